/** What separates the words of a command's output, such as `loss=3.2`, `{"loss": 3.2}`. */
const separators = /[\s=:,;()[\]{}"']+/;

const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/** How programs print numbers that are not finite, for example `nan` and `-inf`. */
const notFinite = /^[-+]?(?:nan|inf|infinity)$/i;

/**
 * Finds the last number in a command's output. A number must stand alone: `3.2` in `v3.2` is none.
 * @returns the number; Infinity for `nan` and `inf`, which no loss can be better than; undefined if
 * there is no number
 */
export function parseLoss(output: string): number | undefined {
  const word = output
    .split(separators)
    .map((one) => one.replace(/\.$/, ""))
    .findLast((one) => number.test(one) || notFinite.test(one));
  if (word === undefined) return undefined;
  const loss = number.test(word) ? Number(word) : Infinity;
  return Number.isFinite(loss) ? loss : Infinity;
}
