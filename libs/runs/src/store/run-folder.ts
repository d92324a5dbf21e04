import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError, type Artifact } from "@fedclair/core";
import {
  safetensorsPieces,
  exitCodes,
  errorMessage,
  type RoundDone,
  type RoundTiming,
  type Trial,
  type TrialState,
} from "@fedclair/core/internal";
import { stringify } from "yaml";
import type { Arm } from "@fedclair/core/internal";
import type { ArmRecord } from "../arm-record.js";
import { systemErrorCode } from "../process/system-error.js";
import type { Summary } from "../summary.js";
import { trialHash } from "../trial-hash.js";
import { countNoun } from "../numbers.js";
import { version } from "../version.js";
import {
  dropCheckpoints,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
  type CheckpointPolicy,
} from "./checkpoint.js";
import { batches, Log, writeWhole } from "./durable.js";
import { findRun, type StoredRun, type RunFailure, type RunInfo } from "./held-run.js";
import type { LinesFile } from "./lines.js";
import { InUse, Lock } from "./lock.js";
import { makeFolder } from "./make-folder.js";
import { paramsFile } from "./params-file.js";

/** A line of `timings.jsonl`: what depends on the machine. */
export interface ArmTiming {
  readonly arm: string;
  readonly round: number;
  readonly seconds: RoundTiming;
  /** Seconds that writing took since the line before: the rest of that round, and its checkpoint. Absent in runs of earlier versions. */
  readonly writeSeconds?: number;
  /** Peak resident memory of the coordinator so far, in bytes. */
  readonly coordinatorRss: number;
  /** Present if the clients were reached by sockets. */
  readonly wire?: WireTraffic;
}

/** Over the coordinator's sockets since its start. */
export interface WireTraffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** That the coordinator wrote and read messages for, and that hosts worked on jobs. Absent in runs of earlier versions. */
  readonly encodeSeconds?: number;
  readonly decodeSeconds?: number;
  readonly workSeconds?: number;
}

/** What a folder was taken for, and how it was found. */
interface Taken {
  readonly trial: Trial;
  readonly policy: CheckpointPolicy;
  /** Was the folder made for it? */
  readonly isNew: boolean;
  /** The run to go on with. */
  readonly held: StoredRun | undefined;
}

/**
 * The folder of one run, which this process alone writes to. A round is on disk before the next one begins.
 * `run.json` · `trial.yaml` resolved · `records.jsonl` · `timings.jsonl` · `artifacts.jsonl`, if the task shows any ·
 * `params.safetensors` · `summary.json` · `report.html`; of a run under way `lock` and `checkpoint-<rounds>`; of one that
 * failed `failure.json`
 */
export class RunFolder {
  readonly path: string;
  readonly #lock: Lock;
  readonly #taken: Taken;
  readonly #logs = new Map<LinesFile, Log>();
  #rounds: number;
  #writeSeconds = 0;
  #hasBegun = false;

  private constructor(path: string, lock: Lock, taken: Taken) {
    this.path = path;
    this.#lock = lock;
    this.#taken = taken;
    this.#rounds = taken.held?.rounds ?? 0;
  }

  /**
   * Takes a folder for a run: an empty one, which is made if need be, or that of the same trial to go on with. Nothing in it
   * changes before `begin`.
   * @param resumes go on with what is there?
   * @throws UserError if another process holds it, or it holds anything else
   */
  static async take(
    path: string,
    trial: Trial,
    resumes: boolean,
    policy: CheckpointPolicy = {},
  ): Promise<RunFolder> {
    let isNew = await makeFolder(path);
    let lock: Lock | undefined;
    try {
      lock = await Lock.take(path).catch(async (error: unknown) => {
        // Whoever had it before gave it up, and the folder with it.
        if (systemErrorCode(error) !== "ENOENT") throw error;
        isNew = await makeFolder(path);
        return await Lock.take(path);
      });
      const held = await findRun(path, true);
      if (held) checkExistingRun(held, trial, resumes);
      return new RunFolder(path, lock, { trial, policy, isNew, held });
    } catch (error) {
      await lock?.release();
      if (isNew) await rmdir(path).catch(() => undefined); // another may have taken it meanwhile
      throw error;
    }
  }

  /**
   * Writes the first files, or cuts off what a run left of a round that it did not finish.
   * @param backend what the clients train with
   * @param written the trial as `trial.yaml` shall have it
   * @param backendReason why it is that backend, if this process knows
   * @returns where the run stands; undefined: at its start
   * @throws UserError if it was begun with another backend, or its files are not what they were
   */
  async begin(
    backend: string,
    written: unknown = this.#taken.trial,
    backendReason?: string,
  ): Promise<Checkpoint | undefined> {
    const checkpoint = await readCheckpoint(this.path);
    const begunWith = checkpoint && this.#taken.held?.info.backend;
    if (begunWith !== undefined && begunWith !== backend) {
      throw new UserError(
        `the run in '${this.path}' was begun with the backend ${begunWith}, and its numbers repeat on the same one only: ` +
          `got ${backend}; choose --backend ${begunWith}`,
      );
    }
    if (!checkpoint) {
      const started = new Date().toISOString();
      const info: RunInfo = {
        ...{ hash: trialHash(this.#taken.trial), version, started, backend },
        ...(backendReason !== undefined && { backendReason }),
      };
      await writeWhole(join(this.path, "run.json"), JSON.stringify(info, null, 2) + "\n");
      await writeWhole(join(this.path, "trial.yaml"), stringify(written));
    }
    // What was said of it before it went on, and files that it did not come to name.
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

  /** @throws UserError also if the folder was taken away from this process */
  async append(arm: Arm, round: RoundDone, wire?: WireTraffic): Promise<ArmRecord> {
    await this.#lock.check();
    const record: ArmRecord = { arm: arm.label, ...round.record };
    const timing: ArmTiming = {
      arm: arm.label,
      round: round.record.round,
      seconds: round.timing,
      writeSeconds: this.#writeSeconds,
      coordinatorRss: process.resourceUsage().maxRSS * 1024,
      ...(wire && { wire: countsOf(wire) }),
    };
    const begun = performance.now();
    const artifacts = Object.entries(round.artifacts).map(([name, value]): Artifact => ({
      arm: arm.label,
      round: round.record.round,
      name,
      value,
    }));
    await this.#write("artifacts.jsonl", artifacts);
    await this.#write("timings.jsonl", [timing]);
    await this.#write("records.jsonl", [record]);
    this.#rounds++;
    this.#writeSeconds = (performance.now() - begun) / 1000;
    return record;
  }

  /** Where the run stands after the rounds that were appended, if the policy asks for it now. */
  async checkpoint(at: Omit<Checkpoint, "logs">): Promise<void> {
    const { every = 1, keep = 1 } = this.#taken.policy;
    if (this.#rounds % every !== 0) return;
    const logs = new Map([...this.#logs].map(([file, { bytes }]) => [file, bytes]));
    const begun = performance.now();
    await writeCheckpoint(this.path, this.#rounds, { ...at, logs }, keep);
    this.#writeSeconds += (performance.now() - begun) / 1000;
  }

  /** The method under study's params. @param asPairs see `paramsFile` */
  async writeParams(state: TrialState, asPairs = false): Promise<void> {
    const pieces = safetensorsPieces(await paramsFile(state, asPairs));
    await writeWhole(join(this.path, "params.safetensors"), batches(pieces));
  }

  /** The last: a run with a summary is one that is done. */
  async writeSummary(summary: Summary): Promise<void> {
    await writeWhole(join(this.path, "summary.json"), JSON.stringify(summary, null, 2) + "\n");
    // What cannot be removed is in nobody's way.
    await dropCheckpoints(this.path, this.#taken.policy.keep ?? 0).catch(() => undefined);
  }

  /** Why a run that has begun ends before its end, as far as the disk still takes it. */
  async writeFailure(error: unknown): Promise<void> {
    if (!this.#hasBegun) return;
    const exitCode = error instanceof UserError ? error.exitCode : exitCodes.internal;
    const failure: RunFailure = { message: errorMessage(error), exitCode };
    const text = JSON.stringify(failure, null, 2) + "\n";
    await writeWhole(join(this.path, "failure.json"), text).catch(() => undefined);
  }

  /** Closes the files and gives the folder free; nothing is left of a run that never began. */
  async release(): Promise<void> {
    for (const log of this.#logs.values()) await log.close();
    await this.#lock.release();
    if (this.#taken.isNew && !this.#hasBegun) await rmdir(this.path).catch(() => undefined); // not if there is anything in it
  }

  async #write(file: LinesFile, values: readonly unknown[]): Promise<void> {
    if (values.length === 0) return;
    const log = this.#logs.get(file) ?? (await this.#open(file, undefined));
    await log.append(values.map((value) => JSON.stringify(value) + "\n").join(""));
  }

  /** Cuts off what is behind the checkpoint. */
  async #open(file: LinesFile, checkpoint: Checkpoint | undefined): Promise<Log> {
    const path = join(this.path, file);
    const bytes = checkpoint?.logs.get(file) ?? 0;
    const there = bytes === 0 ? 0 : (await stat(path)).size;
    if (there < bytes) {
      throw new UserError(
        `'${path}' has ${there} bytes, and had ${bytes} at the last checkpoint: the run cannot go on; --again makes a new one`,
      );
    }
    const log = await Log.open(path, bytes);
    this.#logs.set(file, log);
    return log;
  }
}

/** A copy: what counts goes on counting. */
function countsOf(wire: WireTraffic): WireTraffic {
  const { bytesSent, bytesReceived, encodeSeconds = 0, decodeSeconds = 0, workSeconds = 0 } = wire;
  return { bytesSent, bytesReceived, encodeSeconds, decodeSeconds, workSeconds };
}

/** @throws UserError unless the run that lies in a folder is of this trial, and one to go on with */
export function checkExistingRun(held: StoredRun, trial: Trial, resumes: boolean): void {
  checkTrial(held, trial);
  const { folder, status, holder, rounds, failure } = held;
  if (holder) throw new InUse(folder, holder);
  if (status === "done")
    throw new UserError(`the run in '${folder}' is done: --again makes a new one`);
  if (resumes) return;
  const how = failure ? `failed (${failure.message})` : "was interrupted";
  throw new UserError(
    `the run in '${folder}' ${how} after ${countNoun(rounds, "round")}: fedclair resume ${folder} goes on with it, --again makes a new one`,
  );
}

/** @throws UserError if the run that lies in a folder is another trial's */
export function checkTrial({ folder, info, trial: held }: StoredRun, trial: Trial): void {
  if (info.hash === trialHash(trial) && held.name === trial.name) return;
  const [own = "", other = ""] = [trial, held].map(({ name, seed }) => `${name} with seed ${seed}`);
  const differs =
    own === other ? "made from other contents, or by another release" : `and not of ${own}`;
  throw new UserError(
    `the folder '${folder}' holds a run of ${other}, ${differs}: choose another place by --out or --name, or remove it by fedclair rm`,
  );
}
