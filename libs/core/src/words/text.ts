/**
 * What one client may say at most. Both pools keep to it, so that no client can end a trial, fill its records or forge a
 * line of its log. docs/protocol.md has the same numbers; a test compares the two.
 */
export const bounds = {
  /** Measurements in one update. */
  metrics: 256,
  /** Characters of the name of a metric, module, phase or client. */
  nameLength: 128,
  /** Bytes of a failure's text, as JSON. */
  failureBytes: 1024,
  /** Bytes that a record has for the metrics of one answer, as JSON. */
  recordedMetricsBytes: 1792,
} as const;

/** Controls, line separators, lone surrogates, and what has no width: direction marks, zero-width characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const encoder = new TextEncoder();

/** Bytes that a value takes as JSON. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

/**
 * A stranger's text, fit for records, logs and terminals: what does not print is escaped as in JavaScript (`\n`,
 * `\u{1b}`), and from `maxBytes` on it is cut, with an ellipsis. Takes no longer for a long text than for a short one.
 * @param maxBytes of the result in a JSON string: a quote or a backslash takes two, a letter beyond ASCII two to four
 */
export function printable(text: string, maxBytes: number): string {
  let shown = "";
  let bytes = 0;
  let beforeEllipsis = 0;
  for (const character of text) {
    const next = unprintable.test(character) ? escapeCharacter(character) : character;
    bytes += jsonBytes(next) - '""'.length;
    if (bytes > maxBytes) return shown.slice(0, beforeEllipsis) + ellipsis;
    shown += next;
    if (bytes <= maxBytes - ellipsisBytes) beforeEllipsis = shown.length;
  }
  return shown;
}

/** What a message repeats from a user's file, which may be binary, secret or endless: on one line, at most 80 bytes. */
export function excerpt(text: string): string {
  return printable(text, 80);
}

/** A name or a sentence of a stranger for a terminal: on one line, at most 1 KiB. */
export function oneLine(text: string): string {
  return printable(text, 1024);
}

const ellipsis = "…";
const ellipsisBytes = 3;

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Can it be the name of a metric, a module, a phase or a client: at most 128 characters, all of which print? */
export function isName(text: string): boolean {
  // A character is one or two code units: a text of megabytes is not looked at.
  if (text.length > 2 * bounds.nameLength) return false;
  return Array.from(text).length <= bounds.nameLength && !unprintable.test(text);
}
