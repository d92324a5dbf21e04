import { Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import type { PluginModule } from "../resolve-module.js";
import { Activity, type Doing } from "./activity.js";
import type {
  ThreadCall,
  ThreadMessage,
  ThreadMethod,
  ThreadMethods,
  ThreadSetup,
} from "./messages.js";

/** The code in a thread did not return in time. */
export class Overdue extends Error {}

/** The thread ended by itself: its code called process.exit, or used too much memory. */
export class ThreadEnded extends Error {}

/** What happens in a thread, apart from the results of calls. */
export type ThreadReport = Exclude<ThreadMessage, { readonly kind: "result" | "error" | "code" }>;

/** Returns the seconds that a thread may do the same without progress. */
export type Patience = (doing: Doing) => number;

type Result<M extends ThreadMethod> = Awaited<ReturnType<ThreadMethods[M]>>;

/** A call that was posted. */
export interface Posted<M extends ThreadMethod> {
  /** The number of the call, as in `Doing.call`. */
  readonly id: number;
  /**
   * Rejects with what the method throws, or with the error that the thread ended with: an `Overdue`
   * if it ran out of patience, a `ThreadEnded` if it ended by itself.
   */
  readonly result: Promise<Result<M>>;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Time for a thread to end, in ms. Only native code that does not return takes longer. */
const endMs = 1000;

/** Time for a thread to begin with a call that was posted, in s: the machine may be busy. */
const idleSeconds = 10;

/** The longest time between two looks at a thread, in ms. */
const longestTick = 250;

/**
 * A thread for the code of plug-ins from outside. Unlike code in the main thread, it can be ended
 * at any moment, and signals and heartbeats are answered while it runs.
 */
export class PluginThread {
  /** What the thread is doing, or was doing when it ended. */
  readonly activity = new Activity();
  /** When the thread is ended while it has calls to answer. Default: never. */
  patience: Patience = () => Infinity;
  onReport: (report: ThreadReport) => void = () => undefined;
  readonly #worker: Worker;
  readonly #codes: string[] = [];
  readonly #pending = new Map<number, Pending>();
  #unposted: ThreadCall[] = [];
  #lastCall = 0;
  #tick: NodeJS.Timeout | undefined;
  #fault: Error | undefined;

  constructor(modules: readonly PluginModule[]) {
    this.#worker = new Worker(new URL(import.meta.resolve("#plugin-thread")), {
      workerData: {
        modules,
        activity: this.activity.buffer,
      } satisfies ThreadSetup,
      argv: process.argv.slice(2),
      stdout: true,
    });
    this.#worker.stdout.pipe(process.stderr, { end: false }); // stdout is for results
    this.#worker.on("message", (messages: readonly ThreadMessage[]) => {
      for (const message of messages) this.#receive(message);
    });
    this.#worker.on("error", (error) => {
      this.#fail(new ThreadEnded(`its thread ended: ${error.message}`));
      if ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") return;
      // An error that nothing caught ends the process, as it would in the main thread.
      queueMicrotask(() => {
        throw error;
      });
    });
    this.#worker.on("exit", (code) => {
      const why = `its thread ended with code ${code}: does a plug-in call process.exit?`;
      this.#fail(new ThreadEnded(why));
    });
  }

  /** Names the code that the thread runs, or ran when it ended: `step() of task 'x'`. */
  get code(): string {
    return this.#codes[this.activity.doing.code] ?? "code of a plug-in";
  }

  get isAlive(): boolean {
    return this.#fault === undefined;
  }

  /** Posts a call. Calls of the same turn of the event loop share a message. */
  call<M extends ThreadMethod>(method: M, args: Parameters<ThreadMethods[M]>): Posted<M> {
    const id = ++this.#lastCall;
    const result = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      if (this.#fault) this.#fail(this.#fault);
      if (this.#unposted.length === 0) {
        queueMicrotask(() => {
          this.#post();
        });
      }
      this.#unposted.push({ id, method, args });
    });
    this.#look();
    return { id, result: result as Promise<Result<M>> };
  }

  /**
   * Ends the thread, whatever its code does.
   * @param why the error of the present calls and of later ones
   */
  async end(why: Error = new ThreadEnded("its thread was ended")): Promise<void> {
    this.#fail(why);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, endMs)));
    await Promise.race([this.#worker.terminate(), limit]);
    clearTimeout(timer);
  }

  #post(): void {
    this.#worker.postMessage(this.#unposted);
    this.#unposted = [];
  }

  /**
   * Looks at the thread from time to time as long as it has calls to answer. Time in which the
   * whole process is stopped hardly counts.
   */
  #look(turns = this.activity.turns, waitedMs = 0): void {
    if (this.#tick !== undefined || this.#pending.size === 0) return;
    const { doing } = this.activity;
    const seconds = this.patience(doing);
    const patienceMs = 1000 * (doing.call === 0 ? Math.max(seconds, idleSeconds) : seconds);
    const tickMs = Math.min(longestTick, patienceMs / 8);
    this.#tick = setTimeout(() => {
      this.#tick = undefined;
      const now = this.activity.turns;
      const waited = now === turns ? waitedMs + tickMs : 0;
      if (waited < patienceMs) this.#look(now, waited);
      // Messages that have arrived are read first.
      else
        setImmediate(() => {
          if (this.activity.turns !== now) this.#look();
          else if (this.#pending.size > 0) void this.end(new Overdue("overdue"));
        });
    }, tickMs);
  }

  #receive(message: ThreadMessage): void {
    if (message.kind === "code") {
      this.#codes.push(message.name);
      return;
    }
    if (message.kind !== "result" && message.kind !== "error") {
      this.onReport(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "result") pending?.resolve(message.result);
    else pending?.reject(toError(message));
    if (this.#pending.size > 0) return;
    clearTimeout(this.#tick);
    this.#tick = undefined;
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    for (const { reject } of this.#pending.values()) reject(this.#fault);
    this.#pending.clear();
  }
}

function toError({ message, exitCode, stack }: Extract<ThreadMessage, { kind: "error" }>): Error {
  const error = exitCode === undefined ? new Error(message) : new UserError(message, exitCode);
  if (stack !== undefined) error.stack = stack;
  return error;
}
