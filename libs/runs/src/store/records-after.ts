import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArmRecord } from "../measures/arm-record.js";
import type { ArmTiming } from "./arm-timing.js";
import { parseLine, streamLines, type LinesFile } from "./lines.js";

/** A line's value with the place after it in bytes, from which reading can go on later. */
interface Placed<T> {
  readonly value: T;
  readonly end: number;
}

/**
 * Reads the records of a run after a place in bytes, as far as they are written. They are not
 * checked against their hashes.
 * @throws UserError if a record cannot be read
 */
export function recordsAfter(folder: string, place: number): AsyncGenerator<Placed<ArmRecord>> {
  return linesAfter<ArmRecord>(folder, "records.jsonl", place);
}

/** Reads the timings of a run after a place, like `recordsAfter`. */
export function timingsAfter(folder: string, place: number): AsyncGenerator<Placed<ArmTiming>> {
  return linesAfter<ArmTiming>(folder, "timings.jsonl", place);
}

/** Returns the place after everything that is written. A run that resumes may go back. */
export async function recordsEnd(folder: string): Promise<number> {
  return (await stat(join(folder, "records.jsonl")).catch(() => undefined))?.size ?? 0;
}

async function* linesAfter<T>(
  folder: string,
  file: LinesFile,
  place: number,
): AsyncGenerator<Placed<T>> {
  let end = place;
  let number = 0;
  for await (const line of streamLines(join(folder, file), { start: place })) {
    end += Buffer.byteLength(line) + 1;
    yield { value: parseLine(line, folder, file, ++number) as T, end };
  }
}
