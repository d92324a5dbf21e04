import { createReadStream, existsSync } from "node:fs";
import {
  appendFile,
  open,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import {
  encodeSafetensors,
  UserError,
  type Artifact,
  type RoundDone,
  type RoundTiming,
  type Trial,
  type TrialState,
} from "@fedclair/core";
import { parseDocument, stringify } from "yaml";
import type { Arm, ArmRecord } from "./arms.js";
import { makeFolder } from "./make-folder.js";
import { codeOf } from "./process/system-error.js";
import { paramsFile } from "./params-file.js";
import type { Summary } from "./summary.js";

/** A line of `timings.jsonl`: what depends on the machine. */
export interface ArmTiming {
  readonly arm: string;
  readonly round: number;
  readonly seconds: RoundTiming;
  /** Peak resident memory of the coordinator so far, in bytes. */
  readonly coordinatorRss: number;
  /** Present if the clients were reached by sockets. */
  readonly wire?: WireTraffic;
}

/** Bytes over the coordinator's sockets since the start of the trial. */
export interface WireTraffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

const staleOnStart = [
  "artifacts.jsonl",
  "summary.json",
  "params.safetensors",
  "report.html",
  "figures",
];

/**
 * The folder of one run. A round is on disk before the next one begins.
 * `trial.yaml` resolved · `records.jsonl` · `timings.jsonl` · `artifacts.jsonl`, if the task shows any ·
 * `params.safetensors` · `summary.json` · `report.html`
 */
export class RunFolder {
  readonly path: string;
  readonly #records: FileHandle;
  readonly #timings: FileHandle;

  private constructor(path: string, records: FileHandle, timings: FileHandle) {
    this.path = path;
    this.#records = records;
    this.#timings = timings;
  }

  /** Makes the folder, or empties the run in it. @throws UserError as `holdsRun` */
  static async create(path: string, trial: Trial): Promise<RunFolder> {
    await holdsRun(path, trial);
    await makeFolder(path);
    for (const stale of staleOnStart) await rm(join(path, stale), { recursive: true, force: true });
    await writeFile(join(path, "trial.yaml"), stringify(trial));
    const records = await open(join(path, "records.jsonl"), "w");
    const timings = await open(join(path, "timings.jsonl"), "w");
    return new RunFolder(path, records, timings);
  }

  async append(arm: Arm, round: RoundDone, wire?: WireTraffic): Promise<ArmRecord> {
    const record: ArmRecord = { arm: arm.label, ...round.record };
    const timing: ArmTiming = {
      arm: arm.label,
      round: round.record.round,
      seconds: round.timing,
      coordinatorRss: process.resourceUsage().maxRSS * 1024,
      ...(wire && { wire: { bytesSent: wire.bytesSent, bytesReceived: wire.bytesReceived } }),
    };
    await this.#records.appendFile(JSON.stringify(record) + "\n");
    await this.#timings.appendFile(JSON.stringify(timing) + "\n");
    for (const [name, value] of Object.entries(round.artifacts)) {
      const artifact: Artifact = { arm: arm.label, round: round.record.round, name, value };
      await appendFile(join(this.path, "artifacts.jsonl"), JSON.stringify(artifact) + "\n");
    }
    return record;
  }

  /** Whole or not at all: a run with a summary is one that is done. */
  async writeSummary(summary: Summary): Promise<void> {
    const file = join(this.path, "summary.json");
    await writeFile(`${file}.part`, JSON.stringify(summary, null, 2) + "\n");
    await rename(`${file}.part`, file);
  }

  /** The method under study's params. @param asPairs see `paramsFile` */
  async writeParams(state: TrialState, asPairs = false): Promise<void> {
    const params = await paramsFile(state, asPairs);
    await writeFile(join(this.path, "params.safetensors"), encodeSafetensors(params));
  }

  async close(): Promise<void> {
    await this.#records.close();
    await this.#timings.close();
  }
}

/**
 * Does the folder hold a run of this trial, which another one would replace? False if it is empty, or not there.
 * @throws UserError if it holds anything else
 */
export async function holdsRun(path: string, { name, seed }: Trial): Promise<boolean> {
  const names = await readdir(path).catch((error: unknown): string[] => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return false;
  const advice = "choose another --out, or empty it";
  if (!names.includes("trial.yaml") || !names.includes("records.jsonl")) {
    throw new UserError(`the folder '${path}' is not empty and holds no run: ${advice}`);
  }
  const text = await readFile(join(path, "trial.yaml"), "utf8");
  const held = parseDocument(text).toJS() as Partial<Trial> | null;
  if (held?.name === name && held.seed === seed) return true;
  throw new UserError(
    `the folder '${path}' holds the run of ${held?.name ?? "another trial"} with seed ${held?.seed ?? "unknown"}, not of ${name} with seed ${seed}: ${advice}`,
  );
}

/** Where a run goes unless told otherwise. */
export function runFolderFor({ name, seed }: Trial): string {
  return join("runs", `${name}-${seed}`);
}

/**
 * The summary in a run folder; undefined of a run that is not done, or of one that cannot be read. Without `details` where
 * an earlier release wrote it.
 */
export async function readSummary(folder: string): Promise<Summary | undefined> {
  try {
    const text = await readFile(join(folder, "summary.json"), "utf8");
    const summary = { details: [], ...(JSON.parse(text) as Omit<Summary, "details">) };
    return Array.isArray(summary.arms) && Array.isArray(summary.details) ? summary : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a JSON-lines file of a run; no artifacts where the run left none. @throws UserError for a line that is no JSON */
export async function readLines<T>(
  folder: string,
  file: "records.jsonl" | "timings.jsonl" | "artifacts.jsonl",
): Promise<T[]> {
  const path = join(folder, file);
  if (file === "artifacts.jsonl" && !existsSync(path)) return [];
  const values: T[] = [];
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    try {
      values.push(JSON.parse(line) as T);
    } catch (error) {
      throw new UserError(`${path}:${number}: expected JSON: ${String(error)}; run the trial anew`);
    }
  }
  return values;
}

/**
 * As a stream, for a file may be longer than a string can be. Not by readline, to which a U+2028 inside a JSON string is
 * a line's end too. What follows the last line feed is half a line of a run that was killed in mid-write, and left out.
 */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 2 ** 20 })) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
