import { bounds, isName, printable } from "@fedclair/core/internal";
import { WireError } from "../wire-error.js";
import { BoundedReader, maxTextBytes } from "./bounded-reader.js";

/**
 * Runs `decode` on bytes that came from outside.
 * @param textBytes of a text to be read at most
 * @throws WireError and nothing else: the generated code throws Error, RangeError and TypeError on bytes that are no message
 */
export function decoding<T>(
  what: string,
  bytes: unknown,
  decode: (reader: BoundedReader) => T,
  textBytes = maxTextBytes,
): T {
  if (!(bytes instanceof Uint8Array)) {
    throw new WireError("MALFORMED", `${what}: expected bytes, got ${typeof bytes}`);
  }
  try {
    return decode(new BoundedReader(bytes, textBytes));
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError("MALFORMED", `${what}: ${String(error)}`);
  }
}

/** A field that proto3 cannot demand. @throws WireError */
export function required<T>(field: string, value: T | null | undefined): T {
  if (value === null || value === undefined) {
    throw new WireError("MALFORMED", `${field} is missing`);
  }
  return value;
}

/** The name of a client or a phase. @throws WireError */
export function nameOf(field: string, text: string | null | undefined): string {
  const name = text ?? "";
  if (isName(name)) return name;
  const message = `${field} '${printable(name, 80)}': expected at most ${bounds.nameLength} printable characters`;
  throw new WireError("MALFORMED", message);
}

/** An integer that fits its field; the writer would quietly wrap any other. @throws WireError */
export function uint32(field: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new WireError("MALFORMED", `${field}: expected an integer in 0 … 2³²-1, got ${value}`);
  }
  return value;
}

/** Entries as a map in their order. @throws WireError on a name that comes twice */
export function uniqueNames<T>(what: string, entries: Iterable<[string, T]>): Map<string, T> {
  const map = new Map<string, T>();
  for (const [name, value] of entries) {
    if (map.has(name)) throw new WireError("MALFORMED", `${what} '${name}' comes twice`);
    map.set(name, value);
  }
  return map;
}
