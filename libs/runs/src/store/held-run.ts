import { readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { parse } from "yaml";
import type { PlaceOptions } from "../process/run-options.js";
import { systemErrorCode } from "../process/system-error.js";
import type { Summary } from "../summary.js";
import { trialHash } from "../trial-hash.js";
import { roundsIn } from "./checkpoint.js";
import { holderOf, Lock, lockFile, type Holder } from "./lock.js";

/** What `run.json` says of a run from its beginning. */
export interface RunInfo {
  /** `trialHash` of its trial. */
  readonly hash: string;
  /** The release of fedclair that began it. */
  readonly version: string;
  /** When it began, ISO 8601. */
  readonly started: string;
  /** The TensorFlow.js backend that its clients train with: its numbers repeat on the same one only. */
  readonly backend: string;
  /** For people: why it is that one. Absent of clients that are not simulated, and in runs of earlier versions. */
  readonly backendReason?: string;
}

/** Why a run ended before its end: `failure.json`. */
export interface RunFailure {
  readonly message: string;
  readonly exitCode: number;
}

export type RunStatus = "done" | "running" | "failed" | "interrupted";

/** A run that lies in a folder. */
export interface StoredRun {
  readonly folder: string;
  readonly info: RunInfo;
  readonly trial: Trial;
  readonly status: RunStatus;
  /** Rounds of all arms together that it can go on from; 0 of one that is done. */
  readonly rounds: number;
  /** Of one that is done. */
  readonly summary?: Summary | undefined;
  /** Of one that is running. */
  readonly holder?: Holder | undefined;
  /** Of one that failed. */
  readonly failure?: RunFailure | undefined;
}

/** The folder of a run: as the options say, else by the trial's name, seed and hash. */
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
    if ((await ownNames(path)).length === 0) return path;
  }
}

/**
 * The run that lies in a folder; undefined if it is empty or not there, or if a run in it never came to begin.
 * @param isOurs this process holds the folder, which makes no run a running one
 * @throws UserError if it holds anything else
 */
export async function findRun(folder: string, isOurs = false): Promise<StoredRun | undefined> {
  const names = await ownNames(folder);
  if (names.length === 0) return undefined;
  const advice = "choose another --out, or empty it";
  if (!names.includes("run.json")) {
    const what = names.includes("records.jsonl") ? "a run of an earlier release" : "no run";
    throw new UserError(`the folder '${folder}' is not empty and holds ${what}: ${advice}`);
  }
  if (!names.includes("trial.yaml")) return undefined;
  const info = await readRunInfo(folder);
  if (info?.hash === undefined)
    throw new UserError(`'${join(folder, "run.json")}' is broken: ${advice}`);
  // Written by RunFolder from a trial that passed its schema.
  const trial = parse(await readFile(join(folder, "trial.yaml"), "utf8")) as Trial;
  const summary = await readSummary(folder);
  const holder = isOurs ? undefined : await holderOf(folder);
  const failure = await readJson<RunFailure>(folder, "failure.json");
  const unfinished = failure ? "failed" : "interrupted";
  const status = summary ? "done" : holder ? "running" : unfinished;
  return { folder, info, trial, status, rounds: await roundsIn(folder), summary, holder, failure };
}

/** The runs under a folder, by name; what is none, and what cannot be read, is left out. */
export async function listRuns(root: string): Promise<StoredRun[]> {
  const runs: StoredRun[] = [];
  for (const name of (await readdir(root).catch(() => [])).sort()) {
    const folder = join(root, name);
    if (!(await stat(folder)).isDirectory()) continue;
    const run = await findRun(folder).catch(() => undefined);
    if (run) runs.push(run);
  }
  return runs;
}

/** Of a run folder's files those that a run writes. */
const ours = new RegExp(
  "^(lock.*|checkpoint-\\d+|figures|(records|timings|artifacts)\\.jsonl|(run|summary|failure)\\.json|trial\\.yaml|params\\.safetensors|report\\.html)(\\.part)?$",
);

/**
 * Removes a run, and its folder if nothing else lies in it. @returns what does
 * @throws InUse if it is running
 */
export async function removeRun({ folder }: Pick<StoredRun, "folder">): Promise<string[]> {
  try {
    await Lock.take(folder); // which goes with the rest
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return []; // another was first
    throw error;
  }
  const names = await readdir(folder);
  // What makes it a run goes last, and then what keeps others out: cut off in between it can be removed again.
  const last = (name: string) =>
    Number(name === "run.json") + 2 * Number(name.startsWith(lockFile));
  const own = names.filter((name) => ours.test(name)).sort((a, b) => last(a) - last(b));
  for (const name of own) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
  const left = names.filter((name) => !ours.test(name));
  if (left.length === 0) await rmdir(folder);
  return left;
}

/**
 * The summary in a run folder; undefined of a run that is not done, or of one that cannot be read. Without `details` where
 * an earlier release wrote it.
 */
export async function readSummary(folder: string): Promise<Summary | undefined> {
  const read = await readJson<Omit<Summary, "details">>(folder, "summary.json");
  const summary = read && { details: [], ...read };
  return Array.isArray(summary?.arms) && Array.isArray(summary.details) ? summary : undefined;
}

/** What `run.json` says; undefined where it cannot be read. */
export function readRunInfo(folder: string): Promise<RunInfo | undefined> {
  return readJson<RunInfo>(folder, "run.json");
}

/** What lies in a folder beside what one that takes it has put there; nothing if there is no such folder. */
async function ownNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => !name.startsWith(lockFile) && name !== "run.json.part");
}

async function readJson<T>(folder: string, file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, file), "utf8")) as T;
  } catch {
    return undefined;
  }
}
