import { Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import type {
  ThreadCall,
  ThreadEvent,
  ThreadMethod,
  ThreadMethods,
  ThreadReply,
  ThreadSetup,
} from "./messages.js";

/** The code in a thread did not return in time. */
export class Overdue extends Error {}

/** The thread ended by itself: its code called process.exit, or an error was not caught. */
export class ThreadEnded extends Error {}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onEvent: (event: ThreadEvent) => void;
}

/** A timer that fires this late tells that the whole process was stopped, in ms. */
const stoppedMs = 1000;

/** Time for a thread to end, in ms. Only native code that does not return takes longer. */
const endMs = 1000;

/**
 * A thread for the code of plug-ins from outside. Unlike code in the main thread, it can be ended
 * at any moment, and signals and heartbeats are answered while it runs.
 */
export class PluginThread {
  readonly #worker: Worker;
  #pending: Pending | undefined;
  #watch: NodeJS.Timeout | undefined;
  #fault: Error | undefined;

  constructor(setup: ThreadSetup) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: setup,
      stdout: true,
    });
    this.#worker.stdout.pipe(process.stderr, { end: false }); // stdout is for results
    this.#worker.on("message", (message: ThreadEvent | ThreadReply) => {
      this.#receive(message);
    });
    for (const fault of ["error", "messageerror"]) {
      this.#worker.on(fault, (error: unknown) => {
        this.#fail(new ThreadEnded(`its thread ended: ${String(error)}`, { cause: error }));
      });
    }
    this.#worker.on("exit", (code) => {
      const why = `its thread ended with code ${code}: does a plug-in call process.exit?`;
      this.#fail(new ThreadEnded(why));
    });
  }

  get isAlive(): boolean {
    return this.#fault === undefined;
  }

  /**
   * Calls a method; the call before must have ended.
   * @throws what the method throws, `Overdue` if the watch ends the thread, or `ThreadEnded`
   */
  async call<M extends ThreadMethod>(
    method: M,
    args: Parameters<ThreadMethods[M]>,
    onEvent: (event: ThreadEvent) => void = () => undefined,
  ): Promise<Awaited<ReturnType<ThreadMethods[M]>>> {
    if (this.#fault) throw this.#fault;
    if (this.#pending) throw new Error("a thread runs one call at a time");
    try {
      return (await new Promise<unknown>((resolve, reject) => {
        this.#pending = { resolve, reject, onEvent };
        this.#worker.postMessage({ method, args } satisfies ThreadCall);
      })) as Awaited<ReturnType<ThreadMethods[M]>>;
    } finally {
      clearTimeout(this.#watch);
      this.#pending = undefined;
    }
  }

  /**
   * Ends the thread unless the present call returns in time; replaces an earlier watch. Time in
   * which the whole process is stopped does not count.
   */
  watch(seconds: number): void {
    clearTimeout(this.#watch);
    const due = performance.now() + seconds * 1000;
    this.#watch = setTimeout(() => {
      if (performance.now() - due > stoppedMs) this.watch(seconds);
      // A message that has arrived is read first.
      else this.#watch = setTimeout(() => void this.end(new Overdue()), 0);
    }, seconds * 1000);
  }

  /**
   * Ends the thread, whatever its code does.
   * @param why the error of the present call and of later ones
   */
  async end(why: Error = new ThreadEnded("its thread was ended")): Promise<void> {
    this.#fail(why);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, endMs)));
    await Promise.race([this.#worker.terminate(), patience]);
    clearTimeout(timer);
  }

  #receive(message: ThreadEvent | ThreadReply): void {
    switch (message.kind) {
      case "result":
        this.#pending?.resolve(message.result);
        break;
      case "error":
        this.#pending?.reject(toError(message));
        break;
      default:
        this.#pending?.onEvent(message);
    }
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.#pending?.reject(this.#fault);
  }
}

function toError({ message, exitCode, stack }: Extract<ThreadReply, { kind: "error" }>): Error {
  const error = exitCode === undefined ? new Error(message) : new UserError(message, exitCode);
  if (stack !== undefined) error.stack = stack;
  return error;
}
