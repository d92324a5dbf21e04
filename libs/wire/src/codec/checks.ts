import { bounds, isName, printable } from "@fedclair/core/internal";
import { WireError } from "./wire-error.js";
import { BoundedReader, maxTextBytes } from "./bounded-reader.js";

/**
 * Runs `decode` on bytes that came from outside.
 * @param textBytes maximum number of bytes read of a text
 * @throws WireError and nothing else: the generated code throws Error, RangeError and TypeError on
 * malformed bytes
 */
export function decodeBounded<T>(
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

/** Requires a field that proto3 treats as optional. @throws WireError */
export function requireField<T>(field: string, value: T | null | undefined): T {
  if (value === null || value === undefined) {
    throw new WireError("MALFORMED", `${field} is missing`);
  }
  return value;
}

/** Checks the name of a client or a phase. @throws WireError */
export function checkName(field: string, text: string | null | undefined): string {
  const name = text ?? "";
  if (isName(name)) return name;
  const message = `${field} '${printable(name, 80)}': expected at most ${bounds.nameLength} printable characters`;
  throw new WireError("MALFORMED", message);
}

/**
 * Checks that an integer fits its field; the writer would silently wrap any other value.
 * @throws WireError
 */
export function checkUint32(field: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new WireError("MALFORMED", `${field}: expected an integer in 0 … 2³²-1, got ${value}`);
  }
  return value;
}

/** Collects the entries into a map, in order. @throws WireError on a duplicate name */
export function toUniqueMap<T>(what: string, entries: Iterable<[string, T]>): Map<string, T> {
  const map = new Map<string, T>();
  for (const [name, value] of entries) {
    if (map.has(name)) throw new WireError("MALFORMED", `${what} '${name}' comes twice`);
    map.set(name, value);
  }
  return map;
}
