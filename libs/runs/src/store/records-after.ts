import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArmRecord } from "../arm-record.js";
import type { ArmTiming } from "../arm-timing.js";
import { parseLine, streamLines, type LinesFile } from "./lines.js";
import { isParquet, recordCount, recordsPath, storedFiles } from "./stored-records.js";

/**
 * A place between two records of a run: in bytes of its JSON-lines file, or in Parquet files of one
 * record each.
 */
export type RecordPlace = number;

/** A value with the place after it, from which reading can go on later. */
export interface Placed<T> {
  readonly value: T;
  readonly end: RecordPlace;
}

/**
 * Reads the records of a run after a place, as far as they are written. They are not checked
 * against their hashes.
 * @throws UserError if a record cannot be read
 */
export async function* recordsAfter(
  folder: string,
  place: RecordPlace,
): AsyncGenerator<Placed<ArmRecord>> {
  if (!isParquet(folder)) {
    yield* linesAfter<ArmRecord>(folder, "records.jsonl", place);
    return;
  }
  let end = place;
  for await (const stored of storedFiles(folder, undefined, place)) {
    yield { value: await stored.read(), end: ++end };
  }
}

/** Reads the timings of a run after a place, like `recordsAfter`. */
export function timingsAfter(
  folder: string,
  place: RecordPlace,
): AsyncGenerator<Placed<ArmTiming>> {
  return linesAfter<ArmTiming>(folder, "timings.jsonl", place);
}

/** Returns the place after everything that is written. A run that resumes may go back. */
export async function recordsEnd(folder: string): Promise<RecordPlace> {
  if (isParquet(folder)) return recordCount(folder);
  return (await stat(recordsPath(folder)).catch(() => undefined))?.size ?? 0;
}

async function* linesAfter<T>(
  folder: string,
  file: LinesFile,
  place: RecordPlace,
): AsyncGenerator<Placed<T>> {
  let end = place;
  let number = 0;
  for await (const line of streamLines(join(folder, file), { start: place })) {
    end += Buffer.byteLength(line) + 1;
    yield { value: parseLine(line, folder, file, ++number) as T, end };
  }
}
