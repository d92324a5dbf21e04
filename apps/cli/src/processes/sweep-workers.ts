import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import type { FinishedTrial, RunTrial, SweepTrial, TrialQueue } from "@fedclair/runs";
import { endedBy } from "./federation.js";
import type { PythonOptions } from "./read-hosts.js";

/** The sweep that a worker process works on. */
export interface SweepPlace extends PythonOptions {
  /** The sweep's file, or the object in which a program has it. */
  readonly file: string | object;
  /** The folder of the sweep's runs. */
  readonly out: string;
  /** Overrides of the sweep file. */
  readonly set: readonly string[];
  /** A sweep of another machine, as a worker of a queue received it. */
  readonly queued?: {
    /** The file with the text of the sweep. */
    readonly copy: string;
    /** As `hashModules` returns them. */
    readonly modules: readonly string[];
    /** Plug-in modules that may be loaded, as files. */
    readonly allowed: readonly string[];
  };
  /** The backend to train with. Default: any. */
  readonly backend?: string;
}

/** A trial for a worker process. */
export interface WorkerTask {
  /** The id of the trial. */
  readonly id: string;
  /** The folder of the run. Default: the trial's folder within that of the sweep. */
  readonly folder?: string | undefined;
}

/**
 * A worker process's reply for a trial: a `FinishedTrial` without the fields that its sender knows.
 */
export type WorkerReply =
  | "busy"
  /** The reason why the worker runs no trial of the sweep. */
  | { readonly refused: string }
  | (Pick<FinishedTrial, "outcome" | "skipped"> & {
      readonly faults: readonly { readonly message: string; readonly exitCode: number }[];
    });

/** How long a process that rejects trials is kept, in ms. */
const patience = 30_000;

type Reply = Exclude<WorkerReply, { readonly refused: string }>;

/**
 * Processes that run the trials of a sweep. If a process dies, its trial fails and the process is
 * replaced.
 */
export class SweepWorkers implements TrialQueue {
  readonly jobs: number;
  readonly #place: SweepPlace;
  readonly #signal: AbortSignal;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  /** The time at which a process first rejected a trial, by process. */
  readonly #refused = new WeakMap<ChildProcess, number>();

  /** @param jobs maximum number of processes */
  constructor(place: SweepPlace, jobs: number, signal: AbortSignal) {
    this.#place = place;
    this.jobs = jobs;
    this.#signal = signal;
    signal.addEventListener("abort", this.close);
  }

  readonly run: RunTrial = async (trial) =>
    toFinishedTrial(trial, await this.ask({ id: trial.id }));

  /**
   * Runs a trial in one of the processes.
   * @param signal ends this trial alone, with its process
   * @throws UserError if no trial of the sweep can be run here; the signal's reason when it aborts
   */
  async ask({ id, folder }: WorkerTask, signal = this.#signal): Promise<Reply> {
    signal.throwIfAborted();
    const worker = this.#take() ?? this.#start();
    const over = new AbortController();
    const ended = once(worker, "exit", { signal: over.signal });
    const replied = once(worker, "message", { signal: over.signal });
    ended.catch(() => undefined);
    replied.catch(() => undefined);
    const kill = () => worker.kill("SIGTERM");
    signal.addEventListener("abort", kill);
    const task: WorkerTask = { id, folder };
    worker.send(task, () => undefined); // errors are ignored: a dead worker is noticed by its exit
    try {
      const reply = await Promise.race([
        replied.then(([message]) => message as WorkerReply),
        ended.then(createLostReply),
      ]);
      signal.throwIfAborted(); // a worker that was killed may still reply, and is not kept
      if (worker.exitCode === null && worker.signalCode === null) this.#idle.push(worker);
      if (typeof reply === "object" && "refused" in reply) {
        this.#refused.set(worker, this.#refused.get(worker) ?? performance.now());
        throw new UserError(reply.refused);
      }
      return reply;
    } finally {
      signal.removeEventListener("abort", kill);
      over.abort();
    }
  }

  /** True if no process is running a trial. */
  get isIdle(): boolean {
    return this.#idle.length === this.#all.size;
  }

  readonly close = (): void => {
    this.#signal.removeEventListener("abort", this.close);
    for (const worker of this.#all) worker.kill("SIGTERM");
  };

  /**
   * Takes an idle process. A process that rejected trials a while ago is stopped instead, because
   * the files that it read may have been corrected.
   */
  #take(): ChildProcess | undefined {
    const worker = this.#idle.pop();
    const refused = worker && this.#refused.get(worker);
    if (refused === undefined || performance.now() - refused < patience) return worker;
    worker?.kill("SIGTERM");
    return undefined;
  }

  #start(): ChildProcess {
    const worker = fork(fileURLToPath(import.meta.resolve("#sweep-worker")), [
      JSON.stringify(this.#place),
    ]);
    this.#all.add(worker);
    worker.once("exit", () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }
}

function toFinishedTrial(trial: SweepTrial, reply: Reply): FinishedTrial | "busy" {
  if (reply === "busy") return reply;
  const faults = reply.faults.map(({ message, exitCode }) => new UserError(message, exitCode));
  return { ...reply, trial, faults };
}

function createLostReply([code, signal]: unknown[]): Reply {
  const how =
    typeof signal === "string"
      ? endedBy("worker", signal)
      : `the worker ended with ${String(code)}`;
  return { outcome: { failed: how, exitCode: exitCodes.internal }, faults: [], skipped: false };
}
