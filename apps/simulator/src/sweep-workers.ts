import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "@fedclair/core";
import type { Done, RunTrial, SweepTrial } from "@fedclair/runs";
import { endedBy } from "./federation.js";

/** What a worker says of a trial that it was sent: a `Done` without what its sender knows. */
export type WorkerReply =
  | "busy"
  | (Pick<Done, "outcome" | "skipped"> & {
      readonly faults: readonly { readonly message: string; readonly exitCode: number }[];
    });

/** Processes that run the trials of a sweep. One that dies takes its trial with it, and is replaced. */
export class SweepWorkers {
  readonly #args: readonly string[];
  readonly #signal: AbortSignal;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();

  /** @param args of the worker: the sweep's file, the folder of its runs, and overrides */
  constructor(args: readonly string[], signal: AbortSignal) {
    this.#args = args;
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      this.close();
    });
  }

  readonly run: RunTrial = async (trial) => {
    this.#signal.throwIfAborted();
    const worker = this.#idle.pop() ?? this.#start();
    const over = new AbortController();
    const ended = once(worker, "exit", { signal: over.signal });
    const replied = once(worker, "message", { signal: over.signal });
    ended.catch(() => undefined);
    replied.catch(() => undefined);
    worker.send(trial.id, () => undefined); // one that has died is heard of by its exit
    try {
      const reply = await Promise.race([replied, ended.then((how) => lost(trial, how))]);
      this.#signal.throwIfAborted();
      if (!Array.isArray(reply)) return reply;
      this.#idle.push(worker);
      return doneOf(trial, reply[0] as WorkerReply);
    } finally {
      over.abort();
    }
  };

  close(): void {
    for (const worker of this.#all) worker.kill("SIGTERM");
  }

  #start(): ChildProcess {
    const worker = fork(fileURLToPath(new URL("./sweep-worker.js", import.meta.url)), this.#args, {
      execArgv: ["--enable-source-maps"],
    });
    this.#all.add(worker);
    worker.once("exit", () => this.#all.delete(worker));
    return worker;
  }
}

function doneOf(trial: SweepTrial, reply: WorkerReply): Done | "busy" {
  if (reply === "busy") return reply;
  const faults = reply.faults.map(({ message, exitCode }) => new UserError(message, exitCode));
  return { ...reply, trial, faults };
}

function lost(trial: SweepTrial, [code, signal]: unknown[]): Done {
  const how =
    typeof signal === "string"
      ? endedBy("worker", signal)
      : `the worker ended with ${String(code)}`;
  const outcome = { failed: how, exitCode: exitCodes.internal };
  return { trial, outcome, faults: [], skipped: false };
}
