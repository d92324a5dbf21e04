import { excerpt, UserError } from "@fedclair/core";

const decimalComma = /^[+-]?[\d.' ]*,\d+$/;
const thousandsCommas = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/** What to do about numbers with commas. */
export const commaRemedy =
  "write numbers with a decimal point, and without separators of thousands";

/** Is a text a number with a decimal comma, or with commas between thousands? */
export function isCommaNumber(text: string): boolean {
  return decimalComma.test(text) || thousandsCommas.test(text);
}

/**
 * Rejects names from a file in another encoding than UTF-8, because names that differ only in
 * letters with accents would become the same.
 * @param place where they are, for the message
 * @throws UserError
 */
export function requireUtf8(names: Iterable<string>, place: string): void {
  for (const name of names) {
    if (!name.includes("\ufffd")) continue;
    throw new UserError(
      `source: ${place}: '${excerpt(name)}' is not in UTF-8: save the file in this encoding`,
    );
  }
}
