import { existsSync } from "node:fs";
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { exitCodes, printable, type Trial } from "@fedclair/core/internal";
import { z } from "zod";
import { readRunTrial } from "./read-trial.js";
import { commandName } from "../words/command-name.js";
import { systemErrorCode } from "../words/system-error.js";
import type { Summary } from "../measures/summary.js";
import { trialHash } from "./trial-hash.js";
import { countCheckpointedRounds } from "./checkpoint.js";
import { readJson } from "./read-json.js";
import { findHolder, Lock, lockFile, type Holder } from "./lock.js";

/** Options that choose the folder of a run. */
export interface PlaceOptions {
  readonly out?: string | undefined;
  readonly name?: string | undefined;
  /** Should a new run be made next to the existing ones? */
  readonly again?: boolean;
}

/** A text that commands print. A folder may come from others, so only its line breaks may act. */
const text = z.string().transform((value) =>
  value
    .split("\n")
    .map((line) => printable(line, Infinity))
    .join("\n"),
);

/** The content of `run.json`, written when a run begins. */
const infoSchema = z.looseObject({
  /** The `trialHash` of its trial. */
  hash: z.string(),
  /** The release of fedclair that began the run. */
  version: text,
  /** When the run began, ISO 8601. */
  started: text,
  /**
   * The TensorFlow.js backend that the clients train with. Numbers are reproducible only on the
   * same backend.
   */
  backend: text,
  /** The reason for that backend, for people. Absent for clients that are not simulated. */
  backendReason: text.optional(),
  /** What `hashData` found when the run began. Absent if the trial names no data. */
  data: z.array(z.object({ path: z.string(), sha256: z.string() })).optional(),
});
export type RunInfo = Readonly<z.output<typeof infoSchema>>;

/** The content of `failure.json`: why a run ended early. */
const failureSchema = z.object({ message: text, exitCode: z.int() });
export type RunFailure = Readonly<z.output<typeof failureSchema>>;

export type RunStatus = "done" | "running" | "failed" | "interrupted";

/** A run in a folder. */
export interface StoredRun {
  readonly folder: string;
  readonly info: RunInfo;
  readonly trial: Trial;
  readonly status: RunStatus;
  /** Rounds of all arms from which the run can resume; 0 if it is done. */
  readonly rounds: number;
  /** Present if the run is done. */
  readonly summary?: Summary | undefined;
  /** Present if the run is in progress. */
  readonly holder?: Holder | undefined;
  /** Present if the run failed. */
  readonly failure?: RunFailure | undefined;
}

/** Chooses the folder of a run from the options, or else from the trial's name, seed and hash. */
export async function chooseRunFolder(
  trial: Trial,
  { out, name, again = false }: PlaceOptions,
): Promise<string> {
  if (out !== undefined && name !== undefined) {
    throw new UserError("--name and --out are two places for one run: leave one out");
  }
  const id = `${trial.name}-${trial.seed}-${trialHash(trial).slice(0, 8)}`;
  const folder = out ?? join("runs", name ?? id);
  if (!again) return folder;
  for (let n = 1; ; n++) {
    const path = n === 1 ? folder : `${folder}-${n}`;
    if ((await listOtherFiles(path)).length === 0) return path;
  }
}

/**
 * Finds the run in a folder. Returns undefined if the folder is missing or empty, or if its run
 * never began.
 * @param isOurs this process holds the folder, so the run does not count as running
 * @throws UserError if the folder contains anything else
 */
export async function findRun(folder: string, isOurs = false): Promise<StoredRun | undefined> {
  const names = await listOtherFiles(folder);
  if (names.length === 0) return undefined;
  if (!names.includes("run.json")) {
    const what = names.includes("sweep.json")
      ? "is a study or sweep"
      : "is not empty and holds no run";
    throw new UserError(
      `the folder '${folder}' ${what}: choose another --out for a new run, or name the folder of a run`,
    );
  }
  if (!names.includes("trial.yaml")) {
    if (!names.includes("records.jsonl")) return undefined;
    throw new UserError(
      `'${folder}' has records and no trial.yaml: restore it from a copy, or choose another folder for a new run`,
    );
  }
  const info = readRunInfo(folder);
  if (!info) {
    throw new UserError(
      `'${join(folder, "run.json")}' is broken: restore it, or choose another folder for a new run`,
    );
  }
  const { trial } = readRunTrial(folder);
  const summary = readSummary(folder);
  const holder = isOurs ? undefined : findHolder(folder);
  const isDamaged = !summary && !holder && names.includes("summary.json");
  const failure = isDamaged
    ? damagedSummary(folder)
    : readJson(join(folder, "failure.json"), failureSchema);
  const unfinished = failure ? "failed" : "interrupted";
  const status = summary ? "done" : holder ? "running" : unfinished;
  return {
    folder,
    info,
    trial,
    status,
    rounds: await countCheckpointedRounds(folder),
    summary,
    holder,
    failure,
  };
}

/** A run writes its summary last and whole, so one that cannot be read was changed afterwards. */
function damagedSummary(folder: string): RunFailure {
  return {
    message: `its summary.json is damaged: restore it, or run the trial again with ${commandName()} resume ${folder}`,
    exitCode: exitCodes.usage,
  };
}

/** A folder with a run that cannot be read. */
export interface BrokenRun {
  readonly folder: string;
  /** One line. */
  readonly fault: string;
}

/** Finds the run in a folder, or says why it cannot be read. Other folders have neither. */
export async function inspectRun(folder: string): Promise<StoredRun | BrokenRun | undefined> {
  try {
    return await findRun(folder);
  } catch (error) {
    if (!existsSync(join(folder, "run.json"))) return undefined;
    const [fault = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { folder, fault: printable(fault, 500) };
  }
}

/** Lists the runs under a folder by name, with those that cannot be read. Skips other entries. */
export async function listRuns(root: string): Promise<(StoredRun | BrokenRun)[]> {
  const runs: (StoredRun | BrokenRun)[] = [];
  for (const name of (await readdir(root).catch(() => [])).sort()) {
    const folder = join(root, name);
    // Another process may remove an entry meanwhile.
    const isFolder = await stat(folder).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) continue;
    const run = await inspectRun(folder);
    if (run) runs.push(run);
  }
  return runs;
}

/** Matches the files that a run writes to its folder. */
const runFiles = new RegExp(
  "^(lock.*|checkpoint-\\d+|figures|(records|timings|artifacts)\\.jsonl|(run|summary|failure|activity)\\.json|trial\\.yaml|params\\.safetensors|report\\.html)(\\.part)?$",
);

/**
 * Removes a run, and its folder if nothing else is in it.
 * @returns the names that were left in the folder
 * @throws InUse if the run is in progress
 */
export async function removeRun({ folder }: Pick<StoredRun, "folder">): Promise<string[]> {
  try {
    await Lock.acquire(folder); // the lock is removed with the rest
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return []; // another process was first
    throw error;
  }
  const names = await readdir(folder);
  // `run.json` goes second to last and the lock last: an interrupted removal can be repeated.
  const last = (name: string) =>
    Number(name === "run.json") + 2 * Number(name.startsWith(lockFile));
  const own = names.filter((name) => runFiles.test(name)).sort((a, b) => last(a) - last(b));
  for (const name of own) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
  const left = names.filter((name) => !runFiles.test(name));
  if (left.length === 0) await rmdir(folder);
  return left;
}

const measure = z.looseObject({
  name: z.string(),
  scope: z.string(),
  metric: z.string(),
  value: z.number(),
});
const summaryShape = z.looseObject({
  arms: z.array(z.string()),
  stopped: z.record(z.string(), text),
  measures: z.record(z.string(), z.number()),
  details: z.array(measure),
  chain: z.string().optional(),
  personal: z.array(z.string()).optional(),
});

/**
 * Reads the summary in a run folder. Returns undefined if the run is not done or the summary cannot
 * be read.
 */
export function readSummary(folder: string, name = "summary.json"): Summary | undefined {
  return readJson(join(folder, name), summaryShape) as Summary | undefined;
}

/** Reads `run.json`. Returns undefined if it cannot be read. */
export function readRunInfo(folder: string): RunInfo | undefined {
  return readJson(join(folder, "run.json"), infoSchema);
}

/**
 * Lists the files in a folder, except those that claiming it creates, and those of a run that are
 * not whole. Returns an empty list if the folder does not exist.
 */
async function listOtherFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  });
  const isPart = (name: string) => name.endsWith(".part") && runFiles.test(name);
  return names.filter((name) => !name.startsWith(lockFile) && !isPart(name));
}
