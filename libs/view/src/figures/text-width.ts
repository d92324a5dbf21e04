/**
 * Widths of the printable ASCII characters, from the space on, in thousandths of the font size.
 * They hold for Arial, Helvetica, Liberation Sans and Arimo, which were designed with the same
 * widths.
 */
const widths = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
  556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
  611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
  667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
  222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/**
 * Width of all other characters, for example letters with accents in names; a digit's width is near
 * the mean.
 */
const otherWidth = 556;

/**
 * Width of a text in these fonts. The layout of figures uses it instead of the fonts of the
 * machine, so that the same data give the same bytes everywhere.
 * @param size font size in pixels
 */
export function textWidth(text: string, size: number): number {
  const thousandths = Array.from(
    text,
    (letter) => widths[(letter.codePointAt(0) ?? 0) - 32] ?? otherWidth,
  );
  return (size * thousandths.reduce((total, width) => total + width, 0)) / 1000;
}
