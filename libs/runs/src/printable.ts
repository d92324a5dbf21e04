/** Control characters, separators of lines and paragraphs, marks that turn the direction of writing, halves of letters. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

/**
 * What a record brings into a terminal or onto a page, on one line: what cannot be printed, such as the line feeds and
 * escapes that would forge lines and colours, is spelt out, as `\u001b`.
 * @param most characters; the rest is cut off
 */
export function printable(text: string, most = 2000): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(unprintable, (letter) => {
    if (letter === "\n") return "\\n";
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
