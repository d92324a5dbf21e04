import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArmRecord } from "../measures/arm-record.js";
import { parseLine, streamLines } from "./lines.js";

/** The record of a round as a run stores it. */
export interface StoredRecord {
  /** Its line in `records.jsonl`. */
  readonly line: string;
  /** The beginning of the round's lines in `artifacts.jsonl`; undefined if it is damaged. */
  readonly start: string | undefined;
  /** The path and the number of the line. */
  readonly place: string;
  /** @throws UserError if the line is no record */
  read(): ArmRecord;
}

/** The file in a run folder that holds its records. */
export const recordsFile = "records.jsonl";

/** The beginning of the lines of a round in `records.jsonl` and `artifacts.jsonl`. */
const roundStart = /^\{"arm":"(?:[^"\\]|\\.)*","round":\d+,/;

/**
 * Reads the stored records of a run one by one, and checks none of them.
 * @param bytes the size of `records.jsonl` up to which to read; default: all of it
 */
export async function* storedRecords(folder: string, bytes?: number): AsyncGenerator<StoredRecord> {
  const path = join(folder, recordsFile);
  const size = bytes ?? (await stat(path).catch(() => undefined))?.size ?? 0;
  let number = 0;
  for await (const line of streamLines(path, { end: size })) {
    const at = ++number;
    yield {
      line,
      start: roundStart.exec(line)?.[0],
      place: `${path}:${at}`,
      read: () => parseLine(line, folder, recordsFile, at) as ArmRecord,
    };
  }
}
