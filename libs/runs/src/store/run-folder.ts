import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { exitCodes, errorMessage, type RoundDone, type Trial } from "@fedclair/core/internal";
import { stringify } from "yaml";
import type { Arm } from "@fedclair/core/internal";
import type { ArmRecord } from "../measures/arm-record.js";
import type { ArmTiming, WireTraffic } from "./arm-timing.js";
import { commandName } from "../words/command-name.js";
import { systemErrorCode } from "../words/system-error.js";
import { checkRecords, firstLink, nextLink } from "./record-chain.js";
import type { Summary } from "../measures/summary.js";
import { trialHash } from "./trial-hash.js";
import { countNoun } from "../words/numbers.js";
import { version } from "../words/version.js";
import {
  removeOldCheckpoints,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
  type CheckpointPolicy,
} from "./checkpoint.js";
import { Log, writeJson, writeWhole } from "./atomic-files.js";
import { encodeRound, toJsonLines } from "./encode-round.js";
import {
  findRun,
  readRunInfo,
  type StoredRun,
  type RunFailure,
  type RunInfo,
} from "./stored-run.js";
import type { LinesFile } from "./lines.js";
import { InUse, Lock } from "./lock.js";
import { makeFolder } from "./make-folder.js";
import { paramsFile, paramsFilePieces } from "./params-file.js";

/** The purpose for which a folder was claimed, and its state at that time. */
interface Claim {
  readonly trial: Trial;
  readonly policy: CheckpointPolicy;
  /** Was the folder created by this claim? */
  readonly isNew: boolean;
  /** The run to resume. */
  readonly stored: StoredRun | undefined;
}

/**
 * The folder of one run. Only this process writes to it, and each round is on disk before the next
 * one begins. It contains
 * - `run.json`, `trial.yaml` (resolved), `records.jsonl`, `timings.jsonl`, `params.safetensors`,
 *   `summary.json` and `report.html`;
 * - `artifacts.jsonl` if the task produces any;
 * - `lock` and `checkpoint-<rounds>` while the run is in progress;
 * - `failure.json` if the run failed;
 * - `activity.json`, from which pages know what the run does (activity.ts).
 */
export class RunFolder {
  readonly path: string;
  readonly #lock: Lock;
  readonly #claim: Claim;
  readonly #logs = new Map<LinesFile, Log>();
  #rounds: number;
  #hash = "";
  /** The link of the last round. */
  #link = "";
  #writeSeconds = 0;
  /** The removal of checkpoints that newer ones replace. */
  #removal = Promise.resolve();
  #hasBegun = false;

  private constructor(path: string, lock: Lock, claim: Claim) {
    this.path = path;
    this.#lock = lock;
    this.#claim = claim;
    this.#rounds = claim.stored?.rounds ?? 0;
  }

  /**
   * Claims a folder for a run. The folder is created if necessary. It must be empty, or contain a
   * run of the same trial that can be resumed. Nothing in it changes before `begin`.
   * @param resumes whether an existing run may be resumed
   * @throws UserError if another process holds the folder, or it contains anything else
   */
  static async claim(
    path: string,
    trial: Trial,
    resumes: boolean,
    policy: CheckpointPolicy = {},
  ): Promise<RunFolder> {
    let isNew = await makeFolder(path);
    let lock: Lock | undefined;
    try {
      lock = await Lock.acquire(path).catch(async (error: unknown) => {
        // The previous holder has just released the lock and removed the folder.
        if (systemErrorCode(error) !== "ENOENT") throw error;
        isNew = await makeFolder(path);
        return await Lock.acquire(path);
      });
      const stored = await findRun(path, true);
      if (stored) checkExistingRun(stored, trial, resumes);
      return new RunFolder(path, lock, { trial, policy, isNew, stored });
    } catch (error) {
      await lock?.release();
      // another process may have claimed it meanwhile
      if (isNew) await rmdir(path).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Writes the first files, or removes the remains of an unfinished round.
   * @param backend the backend that the clients train with
   * @param written the trial as it should appear in `trial.yaml`
   * @param more what else `run.json` should say, if it is known
   * @returns the position at which to resume; undefined for a new run
   * @throws UserError if the run began with another backend, the checkpoint is of another run, or
   *   the files have changed
   */
  async begin(
    backend: string,
    written: unknown = this.#claim.trial,
    more: Pick<RunInfo, "backendReason" | "data"> = {},
  ): Promise<Checkpoint | undefined> {
    const checkpoint = await readCheckpoint(this.path);
    const startedWith = checkpoint && this.#claim.stored?.info.backend;
    if (startedWith !== undefined && startedWith !== backend) {
      throw new UserError(
        `the run in '${this.path}' was begun with the backend ${startedWith}, and its numbers repeat on the same one only: ` +
          `got ${backend}; choose --backend ${startedWith}`,
      );
    }
    if (checkpoint) await this.#resume(checkpoint);
    else {
      this.#hash = trialHash(this.#claim.trial);
      this.#link = firstLink(this.#hash);
      const started = new Date().toISOString();
      const info: RunInfo = {
        hash: this.#hash,
        version,
        started,
        backend,
        ...more,
      };
      await writeJson(join(this.path, "run.json"), info);
      await writeWhole(join(this.path, "trial.yaml"), stringify(written));
    }
    // A failure, report or figures of the interrupted run, and files that it did not get to rename.
    const parts = (await readdir(this.path)).filter((name) => name.endsWith(".part"));
    for (const stale of ["failure.json", "report.html", "figures", ...parts]) {
      await rm(join(this.path, stale), { recursive: true, force: true });
    }
    await this.#open("records.jsonl", checkpoint);
    await this.#open("timings.jsonl", checkpoint);
    const artifacts = checkpoint?.logs.has("artifacts.jsonl") ?? false;
    if (artifacts) await this.#open("artifacts.jsonl", checkpoint);
    else await rm(join(this.path, "artifacts.jsonl"), { force: true });
    this.#hasBegun = true;
    return checkpoint;
  }

  /** Checks that the files of the interrupted run are those that its checkpoint knows. */
  async #resume({ hash, link, logs }: Checkpoint): Promise<void> {
    this.#hash = readRunInfo(this.path)?.hash ?? "";
    this.#link = link;
    if (hash !== this.#hash) {
      throw new UserError(
        `the checkpoint in '${this.path}' is of a run with the hash ${hash}, and run.json says ${this.#hash}: the run cannot go on; --again makes a new one`,
      );
    }
    for (const [file, bytes] of logs) {
      const path = join(this.path, file);
      const size = bytes === 0 ? 0 : (await stat(path)).size;
      if (size >= bytes) continue;
      throw new UserError(
        `'${path}' has ${size} bytes, and had ${bytes} at the last checkpoint: the run cannot go on; --again makes a new one`,
      );
    }
    await checkRecords(this.path, { bytes: logs.get("records.jsonl") ?? 0, link });
  }

  /** Appends a round to the logs. @throws UserError also if another process took the lock */
  async append(arm: Arm, round: RoundDone, wire?: WireTraffic): Promise<ArmRecord> {
    this.#lock.check();
    const began = performance.now();
    const { record, line, artifacts } = encodeRound(arm, round);
    this.#link = nextLink(this.#link, line + artifacts);
    const timing: ArmTiming = {
      arm: arm.label,
      round: round.record.round,
      seconds: round.timing,
      writeSeconds: this.#writeSeconds,
      chain: this.#link,
      coordinatorRss: process.resourceUsage().maxRSS * 1024,
      ...(wire && { wire: copyTraffic(wire) }),
    };
    this.#rounds++;
    await Promise.all([
      this.#write("artifacts.jsonl", artifacts),
      this.#write("timings.jsonl", toJsonLines([timing])),
      this.#write("records.jsonl", line),
    ]);
    this.#writeSeconds = (performance.now() - began) / 1000;
    return record;
  }

  /** Writes a checkpoint after the appended rounds, if the policy requires one now. */
  async checkpoint(at: Omit<Checkpoint, "logs" | "hash" | "link">): Promise<void> {
    const { every = 1, keep = 1 } = this.#claim.policy;
    if (this.#rounds % every !== 0) return;
    const logs = new Map([...this.#logs].map(([file, { bytes }]) => [file, bytes]));
    const bound = { hash: this.#hash, link: this.#link };
    const began = performance.now();
    await this.#removal;
    await writeCheckpoint(this.path, this.#rounds, { ...at, ...bound, logs });
    // The next round need not wait. A leftover checkpoint does no harm.
    this.#removal = removeOldCheckpoints(this.path, keep).catch(() => undefined);
    this.#writeSeconds += (performance.now() - began) / 1000;
  }

  /** Writes the params of the main arm. The parameters are those of `buildParamsFile`. */
  async writeParams(...state: Parameters<typeof paramsFilePieces>): Promise<void> {
    await writeWhole(join(this.path, paramsFile), await paramsFilePieces(...state));
  }

  /** The link of the last round. */
  get chain(): string {
    return this.#link;
  }

  /** Writes the summary. It is the last file: a run with a summary is done. */
  async writeSummary(summary: Summary): Promise<void> {
    await writeJson(join(this.path, "summary.json"), summary);
    await this.#removal;
    await removeOldCheckpoints(this.path, this.#claim.policy.keep ?? 0).catch(() => undefined);
  }

  /** Writes why a run that has begun ends early, if the disk still allows it. */
  async writeFailure(error: unknown): Promise<void> {
    if (!this.#hasBegun) return;
    const exitCode = error instanceof UserError ? error.exitCode : exitCodes.internal;
    const failure: RunFailure = { message: errorMessage(error), exitCode };
    await writeJson(join(this.path, "failure.json"), failure).catch(() => undefined);
  }

  /** Closes the files and releases the folder. A run that never began leaves nothing behind. */
  async release(): Promise<void> {
    await this.#removal;
    for (const log of this.#logs.values()) await log.close();
    await this.#lock.release();
    // fails if the folder is not empty
    if (this.#claim.isNew && !this.#hasBegun) await rmdir(this.path).catch(() => undefined);
  }

  async #write(file: LinesFile, lines: string): Promise<void> {
    if (lines === "") return;
    const log = this.#logs.get(file) ?? (await this.#open(file, undefined));
    await log.append(lines);
  }

  /** Opens a log and truncates it to the checkpoint. */
  async #open(file: LinesFile, checkpoint: Checkpoint | undefined): Promise<Log> {
    const log = await Log.open(join(this.path, file), checkpoint?.logs.get(file) ?? 0);
    this.#logs.set(file, log);
    return log;
  }
}

/** Copies the traffic, because the pool keeps counting in the same object. */
function copyTraffic(wire: WireTraffic): WireTraffic {
  const { bytesSent, bytesReceived, encodeSeconds, decodeSeconds, workSeconds } = wire;
  const { hostMemory = 0, deviceMemory = 0 } = wire;
  const seconds = { encodeSeconds, decodeSeconds, workSeconds };
  const memory = {
    ...(hostMemory > 0 && { hostMemory }),
    ...(deviceMemory > 0 && { deviceMemory }),
  };
  return { bytesSent, bytesReceived, ...seconds, ...memory };
}

/** Checks that a stored run is of this trial and can be resumed. @throws UserError otherwise */
export function checkExistingRun(stored: StoredRun, trial: Trial, resumes: boolean): void {
  checkTrial(stored, trial);
  const { folder, status, holder, rounds, failure } = stored;
  if (holder) throw new InUse(folder, holder);
  if (status === "done")
    throw new UserError(`the run in '${folder}' is done: --again makes a new one`);
  if (resumes) return;
  const how = failure ? `failed (${failure.message})` : "was interrupted";
  throw new UserError(
    `the run in '${folder}' ${how} after ${countNoun(rounds, "round")}: ${commandName()} resume ${folder} goes on with it, --again makes a new one`,
  );
}

/** Checks that a stored run is of this trial. @throws UserError otherwise */
export function checkTrial({ folder, info, trial: storedTrial }: StoredRun, trial: Trial): void {
  if (info.hash === trialHash(trial) && storedTrial.name === trial.name) return;
  const [own = "", other = ""] = [trial, storedTrial].map(
    ({ name, seed }) => `${name} with seed ${seed}`,
  );
  const differs =
    own === other ? "made from other contents or code, or by another release" : `and not of ${own}`;
  throw new UserError(
    `the folder '${folder}' holds a run of ${other}, ${differs}: choose another place by --out or --name, or remove it by ${commandName()} rm`,
  );
}
