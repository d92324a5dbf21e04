import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/errors";
import { ThreadActivity, idle } from "./activity.js";
import { hostHere, type Hosted } from "./hosted.js";
import type { Makers, ThreadMessage, ThreadReply, ThreadRequest, ThreadSetup } from "./messages.js";
import { collectBuffers } from "./transfer.js";

/** Replies to short calls wait this long for others, to be posted in one message, in ms. */
const collectMs = 10;

interface ServeOptions {
  /** Restores arguments, which lose their classes when they are posted. */
  readonly restore?: (argument: unknown) => unknown;
  /**
   * Methods with large results that this thread does not need afterwards, so their memory is
   * transferred.
   */
  readonly transferred?: readonly string[];
}

type AnyObject = Record<string, (...args: unknown[]) => unknown>;
type Call = Extract<ThreadRequest, { ask: string }>;

/**
 * Takes away what this thread begins with. Code that is loaded later finds neither the channel, and
 * so cannot answer for others, nor the memory; `parentPort` carries nothing.
 */
function takeSetup(): ThreadSetup {
  const given = workerData as Partial<ThreadSetup>;
  const { activity, port } = given as ThreadSetup;
  for (const name of ["activity", "port"] as const) Reflect.deleteProperty(given, name);
  Reflect.set(process, "_getActiveHandles", () => []); // it would list the channel
  parentPort?.close();
  return { activity, port };
}

/** The side of a `Thread` that runs in it. */
export class ThreadService<M extends Makers<M>, Report = never> {
  /** What this thread is doing, for the thread that has started it. */
  readonly activity: ThreadActivity;
  readonly #postMessage: (messages: readonly ThreadMessage[], memory?: ArrayBuffer[]) => void;
  readonly #makers: ReadonlyMap<string, unknown>;
  readonly #options: ServeOptions;
  readonly #objects = new Map<number, Hosted<AnyObject>>();
  readonly #codes: string[] = [];
  #calls: Call[] = [];
  #isServing = false;
  #isStopped = false;
  #unposted: ThreadMessage[] = [];
  #memory = new Set<ArrayBuffer>();
  #lastPost = 0;

  /** @param makers functions that create the objects which other threads call */
  constructor(makers: M, options: ServeOptions = {}) {
    this.#makers = new Map(Object.entries(makers));
    this.#options = options;
    const { activity, port } = takeSetup();
    this.activity = new ThreadActivity(activity);
    this.#postMessage = port.postMessage.bind(port); // others may replace the method
    port.on("message", (requests: readonly ThreadRequest[]) => {
      for (const request of requests) this.#receive(request);
      if (!this.#isServing) void this.#serveAll();
    });
  }

  /** Posts a report at once. */
  report(report: Report): void {
    this.#unposted.push({ report });
    this.#post();
  }

  /** Finds the index of a name of code for `Doing.code`, and posts the name if it is new. */
  codeIndex(name: string): number {
    const index = this.#codes.indexOf(name);
    if (index >= 0) return index;
    this.#unposted.push({ code: name });
    this.#post();
    return this.#codes.push(name) - 1;
  }

  /** Answers the present call and no later one, because code may still run. */
  stop(): void {
    this.#isStopped = true;
  }

  #receive(request: ThreadRequest): void {
    const { of } = request;
    if ("ask" in request) {
      this.#calls.push(request);
    } else if ("make" in request) {
      const object = this.#make(request.make, this.#restore(request));
      object.catch(() => undefined); // calls report it
      this.#objects.set(of, hostHere(object));
    } else if ("keep" in request) {
      this.#objects.set(request.as, this.#find(of).keep(request.keep, ...this.#restore(request)));
    } else {
      this.#objects.delete(of);
    }
  }

  async #make(name: string, args: readonly unknown[]): Promise<AnyObject> {
    const make = this.#makers.get(name) as ((...args: unknown[]) => Promise<AnyObject>) | undefined;
    if (!make) throw new Error(`no '${name}' can be made in this thread`);
    return await make(...args);
  }

  /** Calls take turns, as each may read one module of all clients. */
  async #serveAll(): Promise<void> {
    this.#isServing = true;
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) {
      const reply = await this.#answer(call);
      this.#unposted.push(reply);
      const { transferred } = this.#options;
      if ("result" in reply && transferred?.includes(call.ask))
        collectBuffers(reply.result, this.#memory);
      this.activity.begin(idle);
      const isLong = performance.now() - this.#lastPost > collectMs;
      if (this.#calls.length === 0 || this.#isStopped || isLong) this.#post();
      if (this.#isStopped) return;
    }
    this.#isServing = false;
  }

  async #answer(request: Call): Promise<ThreadReply> {
    const { of, ask, call } = request;
    try {
      return { call, result: await this.#find(of).ask(ask, ...this.#restore(request)) };
    } catch (error) {
      return { call, ...toPostedError(error) };
    }
  }

  #find(of: number): Hosted<AnyObject> {
    const none = () => Promise.reject<AnyObject>(new Error(`no object ${of} in this thread`));
    return this.#objects.get(of) ?? hostHere(none());
  }

  #restore({ args }: { readonly args: readonly unknown[] }): unknown[] {
    const { restore } = this.#options;
    return restore ? args.map((arg) => restore(arg)) : [...args];
  }

  #post(): void {
    const [messages, memory] = [this.#unposted, this.#memory];
    [this.#unposted, this.#memory] = [[], new Set()];
    this.#lastPost = performance.now();
    try {
      this.#postMessage(messages, [...memory]);
    } catch (error) {
      const replies = messages.map((message) =>
        "call" in message ? { call: message.call, ...toPostedError(error) } : message,
      );
      this.#postMessage(replies);
    }
  }
}

/** Copies an error, which may hold anything, into a form that can be posted. */
function toPostedError(error: unknown): Omit<Extract<ThreadReply, { error: unknown }>, "call"> {
  if (!(error instanceof Error)) return { error: new Error(errorMessage(error)) };
  const { name, message, stack } = error;
  const copy = Object.assign(new Error(message), { name, ...(stack !== undefined && { stack }) });
  return { error: copy, ...(error instanceof UserError && { exitCode: error.exitCode }) };
}
