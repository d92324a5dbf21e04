import { printable } from "@fedclair/core/internal";

/** A cell of a table; undefined if the value is missing. */
type CsvCell = string | number | undefined;

/** Formats a line of CSV without its end (RFC 4180). Missing values are empty. */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(formatCell).join(",");
}

/** Matches most texts; faster than a check of every character. */
const isPlain = /^[ -~]*$/;

/**
 * Matches what a spreadsheet reads as a formula: one of `= + - @`, also in full width, possibly
 * after spaces. Tabs and line ends are escaped before.
 */
const formula = /^[\s\u3000]*[=+\-@＝＋－＠]/;
const numeral = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * Formats a cell. An apostrophe in front of untrusted text prevents spreadsheets from reading it as
 * a formula. Numbers stay numbers.
 */
function formatCell(cell: CsvCell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const text = isPlain.test(cell) ? cell : printable(cell, Infinity);
  const safe = formula.test(text) && !numeral.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
