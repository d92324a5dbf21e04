import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import type { FinishedTrial, RunTrial, SweepTrial, TrialQueue } from "@fedclair/runs";
import { endedBy } from "./federation.js";

/** What a worker process is to work on. */
export interface SweepPlace {
  readonly file: string;
  /** The folder of its runs. */
  readonly out: string;
  /** Overrides. */
  readonly set: readonly string[];
  /** Files of the plug-ins' modules that may be loaded. Default: those that the file names. */
  readonly allowed?: readonly string[];
  /** The one to train with. Default: any. */
  readonly backend?: string;
}

/** What a worker process says of a trial that it was sent: a `Done` without what its sender knows. */
export type WorkerReply =
  | "busy"
  /** Why it runs no trial of the sweep. */
  | { readonly refused: string }
  | (Pick<FinishedTrial, "outcome" | "skipped"> & {
      readonly faults: readonly { readonly message: string; readonly exitCode: number }[];
    });

/** How long a process that refuses trials is kept, in ms. */
const patience = 30_000;

type Reply = Exclude<WorkerReply, { readonly refused: string }>;

/** Processes that run the trials of a sweep. One that dies takes its trial with it, and is replaced. */
export class SweepWorkers implements TrialQueue {
  readonly jobs: number;
  readonly #place: SweepPlace;
  readonly #signal: AbortSignal;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  /** When they first refused a trial. */
  readonly #refused = new WeakMap<ChildProcess, number>();

  /** @param jobs processes at most */
  constructor(place: SweepPlace, jobs: number, signal: AbortSignal) {
    this.#place = place;
    this.jobs = jobs;
    this.#signal = signal;
    signal.addEventListener("abort", this.close);
  }

  readonly run: RunTrial = async (trial) => doneOf(trial, await this.ask(trial.id));

  /** @throws UserError if no trial of the sweep can be run here; the signal's reason when it aborts */
  async ask(id: string): Promise<Reply> {
    this.#signal.throwIfAborted();
    const worker = this.#take() ?? this.#start();
    const over = new AbortController();
    const ended = once(worker, "exit", { signal: over.signal });
    const replied = once(worker, "message", { signal: over.signal });
    ended.catch(() => undefined);
    replied.catch(() => undefined);
    worker.send(id, () => undefined); // one that has died is heard of by its exit
    try {
      const reply = await Promise.race([
        replied.then(([message]) => {
          this.#idle.push(worker);
          return message as WorkerReply;
        }),
        ended.then(lost),
      ]);
      this.#signal.throwIfAborted();
      if (typeof reply === "object" && "refused" in reply) {
        this.#refused.set(worker, this.#refused.get(worker) ?? performance.now());
        throw new UserError(reply.refused);
      }
      return reply;
    } finally {
      over.abort();
    }
  }

  /** Does none of them run a trial? */
  get isIdle(): boolean {
    return this.#idle.length === this.#all.size;
  }

  readonly close = (): void => {
    this.#signal.removeEventListener("abort", this.close);
    for (const worker of this.#all) worker.kill("SIGTERM");
  };

  /** An idle one; not one that refused trials a while ago, for what it has read may have been mended. */
  #take(): ChildProcess | undefined {
    const worker = this.#idle.pop();
    const refused = worker && this.#refused.get(worker);
    if (refused === undefined || performance.now() - refused < patience) return worker;
    worker?.kill("SIGTERM");
    return undefined;
  }

  #start(): ChildProcess {
    const worker = fork(fileURLToPath(new URL("./sweep-worker.js", import.meta.url)), [
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

function doneOf(trial: SweepTrial, reply: Reply): FinishedTrial | "busy" {
  if (reply === "busy") return reply;
  const faults = reply.faults.map(({ message, exitCode }) => new UserError(message, exitCode));
  return { ...reply, trial, faults };
}

function lost([code, signal]: unknown[]): Reply {
  const how =
    typeof signal === "string"
      ? endedBy("worker", signal)
      : `the worker ended with ${String(code)}`;
  return { outcome: { failed: how, exitCode: exitCodes.internal }, faults: [], skipped: false };
}
