import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import type { ArmRecord } from "../arm-record.js";
import { syncFolder, writeWhole } from "./durable.js";
import { parseLine, streamLines } from "./lines.js";
import { makeOwnFolder } from "./make-folder.js";
import type { RecordParts } from "./record-table.js";
import { readBytes, UnreadableError } from "./regular-file.js";

/** The record of a round as a run stores it: a line of `records.jsonl`, or a Parquet file. */
export interface StoredRecord {
  /** The text that the link of the round covers: the line, or the SHA-256 of the file. */
  readonly text: string;
  /** The beginning of the round's lines in `artifacts.jsonl`; undefined if it is damaged. */
  readonly start: string | undefined;
  /** The path, and the number of the line if there are several records in the file. */
  readonly place: string;
  /** @throws UserError if the record cannot be read */
  read(parts?: RecordParts): Promise<ArmRecord>;
}

/** Where the records of a run end. */
export interface RecordsEnd {
  /** Size of `records.jsonl` up to there. Default: all of it. */
  readonly bytes?: number | undefined;
  /** Number of Parquet files up to there. Default: all of them. */
  readonly files?: number | undefined;
}

/** The folder of a run in which its Parquet files are. */
export const recordsFolder = "records";

/** Reads the stored records of a run one by one, in either form, and checks none of them. */
export async function* storedRecords(
  folder: string,
  end: RecordsEnd = {},
): AsyncGenerator<StoredRecord> {
  yield* isParquet(folder) ? storedFiles(folder, end.files) : storedLines(folder, end.bytes);
}

/** Returns the folder of a run's Parquet files, or the path of its `records.jsonl`. */
export function recordsPath(folder: string): string {
  const files = join(folder, recordsFolder);
  return existsSync(files) ? files : join(folder, "records.jsonl");
}

/** Does each record of a run have a file of its own? */
export function isParquet(folder: string): boolean {
  return recordsPath(folder).endsWith(recordsFolder);
}

/** The beginning of the lines of a round in `records.jsonl` and `artifacts.jsonl`. */
const roundStart = /^\{"arm":"(?:[^"\\]|\\.)*","round":\d+,/;

async function* storedLines(folder: string, bytes?: number): AsyncGenerator<StoredRecord> {
  const path = join(folder, "records.jsonl");
  const size = bytes ?? (await stat(path).catch(() => undefined))?.size ?? 0;
  let number = 0;
  for await (const line of streamLines(path, { end: size })) {
    const at = ++number;
    yield {
      text: line,
      start: roundStart.exec(line)?.[0],
      place: `${path}:${at}`,
      read: () => Promise.resolve(parseLine(line, folder, "records.jsonl", at) as ArmRecord),
    };
  }
}

/**
 * Reads Parquet files of records.
 * @param files the number of the last one; default: all of them
 * @param after the number of files to skip
 */
export async function* storedFiles(
  folder: string,
  files?: number,
  after = 0,
): AsyncGenerator<StoredRecord> {
  const { decodeHead, decodeRecord } = await import("./record-table.js");
  const count = files ?? (await recordCount(folder));
  for (let number = after + 1; number <= count; number++) {
    const place = recordFile(folder, number);
    const bytes = readRecordFile(place, count);
    const { arm, round } = decodeHead(bytes, place);
    yield {
      text: digest(bytes),
      start: `${JSON.stringify({ arm, round }).slice(0, -1)},`,
      place,
      read: (parts) => decodeRecord(bytes, place, parts),
    };
  }
}

/** A record of 100,000 clients has a few megabytes. */
const maxRecordBytes = 2 ** 30;

/** @param count the number of files that the run wrote, for the message if this one is missing */
function readRecordFile(place: string, count: number): Uint8Array {
  try {
    return readBytes(place, maxRecordBytes);
  } catch (error) {
    if (!(error instanceof UnreadableError && error.code === "ENOENT")) throw error;
    throw new UserError(
      `'${place}' is missing, and the run wrote ${count} such files: restore it from a copy, or run the trial again`,
    );
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** @param number the number of the record among those of all arms, starting at 1 */
function recordFile(folder: string, number: number): string {
  return join(folder, recordsFolder, `${String(number).padStart(6, "0")}.parquet`);
}

/** Returns the number of a run's last Parquet file. */
export async function recordCount(folder: string): Promise<number> {
  return (await listNumbers(folder)).reduce((most, number) => Math.max(most, number), 0);
}

async function listNumbers(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, recordsFolder));
  return names.flatMap((name) => {
    const [, number] = /^(\d+)\.parquet$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
}

/** A record that is encoded for a Parquet file. */
export interface EncodedRecord extends Pick<StoredRecord, "text"> {
  readonly bytes: Uint8Array;
}

/** Encodes a record for a file of its own. */
export async function encodeForFile(record: ArmRecord): Promise<EncodedRecord> {
  const { encodeRecord } = await import("./record-table.js");
  const bytes = encodeRecord(record);
  return { text: digest(bytes), bytes };
}

/** Writes a record to its file, which is on disk afterwards. @param number as `recordFile` */
export async function writeRecordFile(
  folder: string,
  number: number,
  { bytes }: EncodedRecord,
): Promise<void> {
  await writeWhole(recordFile(folder, number), [bytes]);
}

/** Copies the first Parquet files of a run to the folder of another. */
export async function copyRecordFiles(from: string, to: string, count: number): Promise<void> {
  await makeOwnFolder(join(to, recordsFolder));
  for (let number = 1; number <= count; number++) {
    await copyFile(recordFile(from, number), recordFile(to, number));
  }
}

/** Creates the folder of the Parquet files, and removes all files after the first `count`. */
export async function openRecordsFolder(folder: string, count: number): Promise<void> {
  const path = join(folder, recordsFolder);
  await makeOwnFolder(path);
  const kept = new Set(Array.from({ length: count }, (_, i) => recordFile(folder, i + 1)));
  for (const name of await readdir(path)) {
    if (!kept.has(join(path, name))) await rm(join(path, name), { recursive: true });
  }
  await syncFolder(path);
  await syncFolder(folder);
}

/** Returns where the records of a trial's runs are, relative to the run folder. */
export function recordsPlace({ records }: Pick<Trial, "records">): string {
  return records === "parquet" ? recordsFolder : "records.jsonl";
}
