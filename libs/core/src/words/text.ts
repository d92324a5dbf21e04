/**
 * Limits on the text and the metrics of one client. Both pools enforce them, so that no client can
 * end a trial, fill its records or forge a line of its log. docs/protocol.md lists the same
 * numbers; a test compares the two.
 */
export const bounds = {
  /** The number of metrics in one update. */
  metrics: 256,
  /** The length of the name of a metric, module, phase or client, in characters. */
  nameLength: 128,
  /** The size of a failure's message, in bytes as JSON. */
  failureBytes: 1024,
  /** The size of the metrics of one answer in a record, in bytes as JSON. */
  recordedMetricsBytes: 1792,
} as const;

/**
 * Matches control characters, line separators, lone surrogates and characters without a width:
 * direction marks, zero-width characters.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Matches text whose characters are one byte each in a JSON string. */
const plain = /^[ !#-[\]-~]*$/;

const encoder = new TextEncoder();

/** Returns the size of a value in bytes as JSON. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

/**
 * Makes untrusted text safe for records, logs and terminals. Unprintable characters are escaped as
 * in JavaScript (`\n`, `\u{1b}`), and text over `maxBytes` is cut, with an ellipsis. The time does
 * not depend on the length of the text.
 * @param maxBytes the size of the result in a JSON string; a quote or a backslash counts as two
 * bytes, a character outside ASCII as two to four
 */
export function printable(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && plain.test(text)) return text;
  let result = "";
  let bytes = 0;
  let beforeEllipsis = 0;
  for (const character of text) {
    const next = unprintable.test(character) ? escapeCharacter(character) : character;
    bytes += jsonBytes(next) - '""'.length;
    if (bytes > maxBytes) return result.slice(0, beforeEllipsis) + ellipsis;
    result += next;
    if (bytes <= maxBytes - ellipsisBytes) beforeEllipsis = result.length;
  }
  return result;
}

/** Makes untrusted output safe for a terminal: only its line ends and tabs act on it. */
export function printableLines(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/**
 * Shortens a text that a message quotes from a user's file to one line of at most 80 bytes. The
 * file may be binary, secret or very long.
 */
export function excerpt(text: string): string {
  return printable(text, 80);
}

/** Makes an untrusted name or sentence safe for a terminal: one line of at most 1 KiB. */
export function oneLine(text: string): string {
  return printable(text, 1024);
}

const ellipsis = "…";
const ellipsisBytes = 3;

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Can the text be the name of a metric, a module, a phase or a client? Names have at most 128
 * characters, all of them printable.
 */
export function isName(text: string): boolean {
  // A character has one or two code units, so a text of megabytes is rejected at once.
  if (text.length > 2 * bounds.nameLength) return false;
  return Array.from(text).length <= bounds.nameLength && !unprintable.test(text);
}
