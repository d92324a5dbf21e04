import { existsSync } from "node:fs";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { withModules } from "@fedclair/core/internal";
import { stringify } from "yaml";
import { isCarried, pieceBytes, requireRunFile, type Receiver } from "../carry/carried.js";
import { RunReceiver } from "../carry/run-receiver.js";
import { checkSummary } from "../run/check-summary.js";
import { writeWhole } from "../store/atomic-files.js";
import { checkpointName, countCheckpointedRounds } from "../store/checkpoint.js";
import { findChangedData } from "../store/data-hash.js";
import { Lock } from "../store/lock.js";
import { makeFolder } from "../store/make-folder.js";
import { checkRecords } from "../store/record-chain.js";
import { isWholeState } from "../store/state-file.js";
import { readRunInfo, readSummary } from "../store/stored-run.js";
import { version } from "../words/version.js";
import { isReusable, toFinishedTrial, type FinishedTrial } from "./run-sweep-trial.js";
import type { SweepTrial } from "./sweep-file.js";

/**
 * The folder of a trial that another machine runs. This process holds it, and the other machine
 * reads and writes through this object.
 */
export class CarriedTrial {
  readonly receiver: Receiver;
  readonly #trial: SweepTrial;
  readonly #folder: string;
  readonly #backend: string;
  readonly #lock: Lock;

  private constructor(trial: SweepTrial, folder: string, backend: string, lock: Lock) {
    this.#trial = trial;
    this.#folder = folder;
    this.#backend = backend;
    this.#lock = lock;
    const inner = new RunReceiver(folder, (summary) => this.#check(summary));
    this.receiver = {
      offer: (parts) => inner.offer(parts),
      piece: (name, at, bytes) => inner.piece(name, at, bytes),
      commit: async (sent, names) => {
        try {
          await inner.commit(sent, names);
        } catch (error) {
          // What arrived before cannot be believed either.
          if (error instanceof UnbelievableRun) await this.#clear();
          throw error;
        }
        await this.#writeTrial();
      },
    };
  }

  /**
   * Claims the folder of a trial within `out`.
   * @param backend the TensorFlow.js backend that trains
   * @throws InUse if another process holds the folder
   */
  static async open(trial: SweepTrial, out: string, backend: string): Promise<CarriedTrial> {
    const folder = join(out, trial.folder);
    await makeFolder(folder);
    return new CarriedTrial(trial, folder, backend, await Lock.acquire(folder));
  }

  /** The trial as it has just arrived, even if one of its arms could not go on. */
  readArrived(): FinishedTrial | undefined {
    const summary = readSummary(this.#folder);
    return summary && toFinishedTrial(this.#trial, summary, false);
  }

  /** Lists the files from which the run can go on elsewhere. Anything else is removed. */
  async listFiles(): Promise<{ readonly name: string; readonly size: number }[]> {
    if (!(await this.#canGoOn())) {
      await this.#clear();
      return [];
    }
    await this.#writeTrial();
    const names = (await readdir(this.#folder)).filter(isCarried);
    return await Promise.all(
      [...names, trialFile].map(async (name) => {
        return { name, size: (await stat(join(this.#folder, name))).size };
      }),
    );
  }

  /** Reads a piece of a file of `listFiles`. */
  async read(name: string, at: number): Promise<Uint8Array> {
    requireRunFile(name);
    const file = await open(join(this.#folder, name), "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, at);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Releases the folder. */
  async close(): Promise<void> {
    await this.#lock.release();
  }

  async #canGoOn(): Promise<boolean> {
    try {
      const info = readRunInfo(this.#folder);
      const rounds = await countCheckpointedRounds(this.#folder);
      if (info?.hash !== this.#trial.id || rounds === 0) return false;
      if (!(await isReusable(this.#trial, { info, summary: undefined }, this.#backend)))
        return false;
      await checkRecords(this.#folder);
      return await isWholeState(join(this.#folder, checkpointName(rounds)));
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  }

  /** Checks a finished run before its summary counts. */
  async #check(summary: string): Promise<void> {
    const { id } = this.#trial;
    const info = readRunInfo(this.#folder);
    const stored = readSummary(this.#folder, summary);
    const of = `${info?.hash ?? "?"} of fedclair ${info?.version ?? "?"}`;
    if (info?.hash !== id || info.version !== version)
      throw new UnbelievableRun(`it is a run of ${of}, expected ${id} of ${version}`);
    if (stored?.chain === undefined)
      throw new UnbelievableRun("its summary is none, or does not name the last record");
    const used = { info, summary: undefined };
    const changed = await findChangedData(info, this.#trial);
    if (changed !== undefined)
      throw new UnbelievableRun(`it was trained on other data in '${changed}' than are here`);
    if (!(await isReusable(this.#trial, used, this.#backend)))
      throw new UnbelievableRun(`it was trained on ${info.backend}, expected ${this.#backend}`);
    await checkSummary(this.#folder, this.#trial.prepare(), stored).catch((error: unknown) => {
      throw error instanceof UserError ? new UnbelievableRun(error.message) : error;
    });
  }

  /** Writes the trial, with the places of its plug-ins on this machine. */
  async #writeTrial(): Promise<void> {
    const file = join(this.#folder, trialFile);
    if (existsSync(file)) return;
    const { trial, outside } = this.#trial.prepare();
    await writeWhole(file, stringify(withModules(trial, outside)));
  }

  /** Removes the run. The folder stays, with the lock and what else is in it. */
  async #clear(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (isCarried(name.replace(/\.part$/, "")) || name === trialFile)
        await rm(join(this.#folder, name));
    }
  }
}

const trialFile = "trial.yaml";

/** A run that arrived whole and cannot be true. */
class UnbelievableRun extends UserError {}
