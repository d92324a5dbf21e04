import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/errors";
import { printable } from "@fedclair/core/text";
import { ThreadActivity } from "./activity.js";
import type { ArgumentsOf, Hosted, MethodOf, ResultOf } from "./hosted.js";
import type { Makers, ThreadMessage, ThreadReply, ThreadRequest, ThreadSetup } from "./messages.js";
import { ProgressWatch, type TimeLimit } from "./progress-watch.js";

/** The code in a thread did not return in time. */
export class Overdue extends Error {}

/** The thread ended by itself: its code called process.exit, or used too much memory. */
export class ThreadEnded extends Error {}

export interface ThreadOptions {
  /** The thread in error messages, such as `a thread of CLAIR`. */
  readonly name: string;
  /** Added to the error message of a thread that ends by itself. */
  readonly exitHint?: string;
  /** Restores results, which lose their classes when they are posted. */
  readonly restore?: (result: unknown) => unknown;
  /** Time in ms without objects after which the thread ends. Default: it does not. */
  readonly idleMs?: number;
  /** ArgumentsOf of the thread's `process.argv`. */
  readonly argv?: readonly string[];
  /** Receives what the thread prints. Default: it is printed as if by this process. */
  readonly onOutput?: (text: string) => void;
  /** Receives an error that nothing in the thread caught, unless it is out of memory. */
  readonly onUncaught?: (error: Error) => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Time for a thread to end, in ms. Only native code that does not return takes longer. */
const endMs = 1000;

/** The largest size of the message of an error that ends a thread, in bytes. */
const errorBytes = 2048;

/**
 * A thread that hosts objects and answers calls one after another. It keeps the process alive only
 * while a caller waits for a reply, and can be ended at any moment.
 */
export class Thread<M extends Makers<M>, Report = never> {
  /** What the thread is doing, or was doing when it ended. */
  readonly activity = new ThreadActivity();
  /** Receives what the thread's code reports during calls. */
  onReport: (report: Report) => void = () => undefined;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  /** Its own channel to the thread, because code that the thread loads can use `parentPort`. */
  readonly #port;
  readonly #codes: string[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #objects = new Set<number>();
  #unposted: ThreadRequest[] = [];
  #idle: NodeJS.Timeout | undefined;
  #watch: ProgressWatch | undefined;
  #last = 0;
  /** The error of calls after the thread has ended. */
  #fault: Error | undefined;

  /** @param script calls `serve` */
  constructor(script: URL, options: ThreadOptions) {
    this.#options = options;
    const { name, exitHint = "" } = options;
    const { port1, port2: port } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(script, {
      argv: [...(options.argv ?? [])],
      stdout: options.onOutput !== undefined,
      stderr: options.onOutput !== undefined,
      workerData: { activity: this.activity.buffer, port } satisfies ThreadSetup,
      transferList: [port],
    });
    this.#worker.unref();
    if (options.onOutput)
      for (const stream of [this.#worker.stdout, this.#worker.stderr])
        stream.setEncoding("utf8").on("data", options.onOutput);
    port1.on("message", (messages) => {
      this.#receiveAll(messages);
    });
    port1.on("messageerror", (error) => {
      this.#rejectMessage(error);
    });
    port1.unref();
    this.#worker.on("error", (thrown: unknown) => {
      this.#drain();
      const error = thrown instanceof Error ? thrown : new Error(errorMessage(thrown));
      const why = printable(error.message, errorBytes);
      this.#reportEnd(new ThreadEnded(`${name} ended: ${why}`, { cause: error }));
      const isOutOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (!isOutOfMemory) options.onUncaught?.(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        this.#drain();
        port1.close();
        this.#reportEnd(new ThreadEnded(`${name} ended with code ${code}${exitHint}`));
        resolve();
      });
    });
  }

  /** Names the code that the thread runs, or ran when it ended: `step() of task 'x'`. */
  get code(): string | undefined {
    return this.#codes[this.activity.doing.code];
  }

  get isAlive(): boolean {
    return this.#fault === undefined;
  }

  /** Limits the time without progress while there are calls to answer; a new limit replaces it. */
  limitTime(limit: TimeLimit): void {
    this.#watch?.stop();
    this.#watch = new ProgressWatch(this.activity, limit, () => {
      void this.end(new Overdue("overdue"));
    });
    if (this.#waiting.size > 0) this.#watch.start();
  }

  /**
   * Creates an object in the thread.
   * @param make the name of the function of the script that creates it
   */
  host<K extends keyof M & string>(
    make: K,
    ...args: Parameters<M[K]>
  ): Hosted<Awaited<ReturnType<M[K]>>> {
    const of = this.#reserveObject();
    this.#send({ of, make, args });
    return this.#toHosted(of);
  }

  /**
   * Ends the thread, whatever its code does.
   * @param why the error of the present calls and of later ones
   */
  async end(why: Error = new ThreadEnded(`${this.#options.name} was ended`)): Promise<void> {
    this.#fail(why);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, endMs)));
    await Promise.race([this.#worker.terminate(), limit]);
    clearTimeout(timer);
  }

  #toHosted<T>(of: number): Hosted<T> {
    return {
      ask: async <N extends MethodOf<T>>(method: N, ...args: ArgumentsOf<T, N>) =>
        (await this.#ask(of, String(method), args)) as ResultOf<T, N>,
      keep: (method, ...args) => {
        const as = this.#reserveObject();
        this.#send({ of, keep: String(method), args, as });
        return this.#toHosted(as);
      },
      drop: () => {
        this.#send({ of, drop: true });
        this.#objects.delete(of);
        const { idleMs } = this.#options;
        if (this.#objects.size > 0 || idleMs === undefined) return;
        this.#idle ??= setTimeout(() => {
          // It takes no calls from now on, because it would not answer them.
          this.#reportEnd(new ThreadEnded("it was idle"));
          void this.end();
        }, idleMs).unref();
      },
    };
  }

  #reserveObject(): number {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#objects.add(++this.#last);
    return this.#last;
  }

  #ask(of: number, method: string, args: readonly unknown[]): Promise<unknown> {
    const call = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#fault) throw this.#fault;
      this.#send({ of, ask: method, args, call });
      this.#waiting.set(call, { resolve, reject });
      this.#worker.ref();
      this.#watch?.start();
    });
  }

  /** Requests of the same turn of the event loop share a message. */
  #send(request: ThreadRequest): void {
    if (this.#unposted.length === 0) {
      queueMicrotask(() => {
        const requests = this.#unposted;
        this.#unposted = [];
        this.#post(requests);
      });
    }
    this.#unposted.push(request);
  }

  #post(requests: readonly ThreadRequest[]): void {
    try {
      this.#port.postMessage(requests);
    } catch (error) {
      // Only the requests that cannot be posted fail.
      if (requests.length > 1) for (const request of requests) this.#post([request]);
      else if (requests[0] && "call" in requests[0])
        this.#settle({ call: requests[0].call, error });
    }
  }

  /** Receives the messages that a thread posted before it ended. */
  #drain(): void {
    const take = () => receiveMessageOnPort(this.#port);
    for (let next = take(); next; next = take()) this.#receiveAll(next.message);
  }

  #receiveAll(messages: unknown): void {
    try {
      for (const message of messages as readonly ThreadMessage[]) this.#receive(message);
    } catch (error) {
      this.#rejectMessage(error);
    }
  }

  /** Ends the thread because its code has changed what it posts. */
  #rejectMessage(cause: unknown): void {
    const why = `${this.#options.name} posted what cannot be read: ${errorMessage(cause)}`;
    void this.end(new ThreadEnded(why, { cause }));
  }

  #receive(message: ThreadMessage): void {
    if ("code" in message) this.#codes.push(message.code);
    else if ("report" in message) this.onReport(message.report as Report);
    else this.#settle(message);
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.call);
    this.#waiting.delete(reply.call);
    if (this.#waiting.size === 0) {
      this.#worker.unref();
      this.#watch?.stop();
    }
    const { restore } = this.#options;
    if (!("result" in reply)) waiting?.reject(toError(reply));
    else waiting?.resolve(restore ? restore(reply.result) : reply.result);
  }

  /** Rejects all calls if the thread ends by itself, for example because it is out of memory. */
  #reportEnd(cause: ThreadEnded): void {
    const later = new ThreadEnded(`${this.#options.name} has ended`, { cause });
    this.#fail(cause, later);
  }

  /** Rejects all pending calls, and later ones. */
  #fail(fault: Error, later = fault): void {
    this.#fault ??= later;
    this.#watch?.stop();
    for (const { reject } of this.#waiting.values()) reject(fault);
    this.#waiting.clear();
  }
}

function toError({ error, exitCode }: Extract<ThreadReply, { error: unknown }>): unknown {
  if (exitCode === undefined || !(error instanceof Error)) return error;
  return Object.assign(new UserError(error.message, exitCode), { stack: error.stack });
}
