import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { ArmRecord } from "../measures/arm-record.js";
import { eachLine, parseLine, streamLines } from "./lines.js";
import type { ArmTiming } from "./arm-timing.js";
import { findHolder } from "./lock.js";
import { readRunInfo, readSummary } from "./stored-run.js";
import { countNoun } from "../words/numbers.js";

/*
 * Every round of a run has a link: the SHA-256 of the link before, of the round's line in
 * `records.jsonl` and of its lines in `artifacts.jsonl`. The links are in `timings.jsonl`, the last
 * one also in the checkpoint and in the summary. The chain shows damage and careless changes. It
 * does not protect against a person who changes all of these files together.
 */

/** The link before the first round. @param hash of the trial and its seed (`trialHash`) */
export function firstLink(hash: string): string {
  return sha256(`fedclair chain of ${hash}\n`);
}

/** The link of a round. @param lines of its record and then of its artifacts */
export function nextLink(link: string, lines: string): string {
  return sha256(`${link}\n${lines}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Where the records of a run end. */
interface ChainEnd {
  /** Size of `records.jsonl` up to there. Default: all of it. */
  readonly bytes?: number | undefined;
  /** The link of the last round. Default: the one in the summary, if the run is done. */
  readonly link?: string | undefined;
}

/**
 * Links rounds to the hash of a trial.
 * @param rounds the lines of each, as `nextLink` takes them
 * @param timings one for each round, with any link or none
 */
export async function linkTimings(
  hash: string,
  rounds: Iterable<string> | AsyncIterable<string>,
  timings: readonly Omit<ArmTiming, "chain">[],
): Promise<{ readonly link: string; readonly timings: readonly ArmTiming[] }> {
  const linked: ArmTiming[] = [];
  let link = firstLink(hash);
  for await (const lines of rounds) {
    link = nextLink(link, lines);
    linked.push({ ...(timings[linked.length] as ArmTiming), chain: link });
  }
  return { link, timings: linked };
}

/**
 * Reads the records of a run one by one, and checks that they are those that it wrote.
 * @param link as in `ChainEnd`
 * @throws UserError naming the first record that is not, or that cannot be read
 */
export async function* eachRecord(folder: string, link?: string): AsyncGenerator<ArmRecord> {
  for await (const record of checkedRecords(folder, { link })) yield record.read();
}

/** Checks the records of a run like `eachRecord`, without reading their content. */
export async function checkRecords(folder: string, end: ChainEnd = {}): Promise<void> {
  const records = checkedRecords(folder, end);
  while ((await records.next()).done !== true);
}

async function* checkedRecords(
  folder: string,
  { link: last, bytes }: ChainEnd,
): AsyncGenerator<StoredRecord> {
  const end = last ?? readSummary(folder)?.chain;
  const isWriting = findHolder(folder) !== undefined;
  const timings = eachLine<ArmTiming>(folder, "timings.jsonl");
  let link = firstLink(readRunInfo(folder)?.hash ?? "");
  let number = 0;
  let missing = 0;
  try {
    // A running run writes a round's link before its record.
    for await (const { record, lines } of storedRounds(folder, bytes)) {
      number++;
      link = nextLink(link, lines);
      const timing = await timings.next();
      if (timing.done === true || timing.value.chain !== link) {
        throw new UserError(
          `${record.place}: the record or its artifacts differ from what the run wrote (line ${number} of timings.jsonl has another hash): ` +
            "restore the folder from a copy, or run the trial again",
        );
      }
      yield record;
    }
    if (bytes === undefined && !isWriting) {
      while (missing < 2 && (await timings.next()).done !== true) missing++;
    }
  } finally {
    await timings.return(undefined);
  }
  // A run that is killed may have written one link without its record, but not two.
  if (missing > 1 || (end !== undefined && link !== end)) {
    throw new UserError(
      `'${join(folder, "records.jsonl")}' has ${countNoun(number, "record")}, and the run wrote others after or instead of them: restore the folder from a copy, or run the trial again`,
    );
  }
}

/** The record of a round as a run stores it. */
interface StoredRecord {
  /** Its line in `records.jsonl`. */
  readonly line: string;
  /** The beginning of the round's lines in `artifacts.jsonl`; undefined if it is damaged. */
  readonly start: string | undefined;
  /** The path and the number of the line. */
  readonly place: string;
  /** @throws UserError if the line is no record */
  read(): ArmRecord;
}

/** A round as it is stored. */
export interface StoredRound {
  readonly record: StoredRecord;
  /** What the round's link covers: the lines of its record and its artifacts. */
  readonly lines: string;
}

/** Reads the rounds of a run one by one, and checks none of them. */
export async function* storedRounds(folder: string, bytes?: number): AsyncGenerator<StoredRound> {
  const artifacts = new ArtifactLines(folder);
  try {
    for await (const record of storedRecords(folder, bytes)) {
      yield { record, lines: `${record.line}\n${await artifacts.of(record.start)}` };
    }
  } finally {
    await artifacts.close();
  }
}

/** The beginning of the lines of a round in `records.jsonl` and `artifacts.jsonl`. */
const roundStart = /^\{"arm":"(?:[^"\\]|\\.)*","round":\d+,/;

/**
 * Reads the stored records of a run one by one, and checks none of them.
 * @param bytes the size of `records.jsonl` up to which to read; default: all of it
 */
async function* storedRecords(folder: string, bytes?: number): AsyncGenerator<StoredRecord> {
  const path = join(folder, "records.jsonl");
  const size = bytes ?? (await stat(path).catch(() => undefined))?.size ?? 0;
  let number = 0;
  for await (const line of streamLines(path, { end: size })) {
    const at = ++number;
    yield {
      line,
      start: roundStart.exec(line)?.[0],
      place: `${path}:${at}`,
      read: () => parseLine(line, folder, "records.jsonl", at) as ArmRecord,
    };
  }
}

/** Reads `artifacts.jsonl` round by round. */
class ArtifactLines {
  readonly #lines: AsyncGenerator<string>;
  #next: string | undefined;

  constructor(folder: string) {
    this.#lines = streamLines(join(folder, "artifacts.jsonl"));
  }

  /** Reads the lines of a round. They are the next ones of the file, or missing. */
  async of(start: string | undefined): Promise<string> {
    let lines = "";
    for (;;) {
      this.#next ??= ((await this.#lines.next()) as { value?: string }).value;
      if (this.#next === undefined || start === undefined || !this.#next.startsWith(start)) break;
      lines += `${this.#next}\n`;
      this.#next = undefined;
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}
