import { Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { restore } from "./transfer.js";

/**
 * An object in this thread or another, which is called by method name. Arguments and results are
 * plain data and matrices.
 */
export interface Hosted<T> {
  ask<M extends Method<T>>(method: M, ...args: Arguments<T, M>): Promise<Result<T, M>>;
  /**
   * Calls a method and leaves its result where the object is. If the method fails, calling its
   * result fails with the same error.
   */
  keep<M extends Method<T>>(method: M, ...args: Arguments<T, M>): Hosted<Result<T, M>>;
  /** Releases the object. It cannot be used afterwards. */
  drop(): void;
}

type Called = (...args: never[]) => unknown;
type Method<T> = { [M in keyof T]: T[M] extends Called ? M : never }[keyof T];
type Arguments<T, M extends Method<T>> = T[M] extends (...args: infer A) => unknown ? A : never;
type Result<T, M extends Method<T>> = T[M] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/** Hosts an object in this thread. */
export function hostHere<T>(object: T | Promise<T>): Hosted<T> {
  const call = async <M extends Method<T>>(method: M, args: Arguments<T, M>) => {
    const target = await object;
    type Bound = (this: T, ...args: Arguments<T, M>) => Promise<Result<T, M>>;
    return (target[method] as Bound).apply(target, args);
  };
  return {
    ask: (method, ...args) => call(method, args),
    keep: (method, ...args) => {
      const result = call(method, args);
      result.catch(() => undefined);
      return hostHere(result);
    },
    drop: () => undefined,
  };
}

/** A request to a thread about its object number `of`. */
export type ThreadRequest = { readonly of: number } & (
  | { readonly make: string; readonly args: readonly unknown[] }
  | { readonly ask: string; readonly args: readonly unknown[]; readonly call: number }
  | { readonly keep: string; readonly args: readonly unknown[]; readonly as: number }
  | { readonly drop: true }
);

/**
 * The reply to a call. For a `UserError` it contains only the message, as errors lose their class
 * when they are posted.
 */
export type ThreadReply = { readonly call: number } & (
  { readonly result: unknown } | { readonly error: unknown } | { readonly fault: string }
);

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A thread that hosts objects and handles requests one after another. It keeps the process alive
 * only while a caller waits for a reply, and ends when it has hosted nothing for a while.
 */
export class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #objects = new Set<number>();
  readonly #idleMs: number;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;
  /** The reason why the thread ended. */
  #fault: unknown;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;

  /** @param script hosts objects, like `worker.ts` */
  constructor(script: URL, idleMs = 10_000) {
    this.#idleMs = idleMs;
    this.#worker = new Worker(script);
    this.#worker.unref();
    this.#worker.on("message", (reply: ThreadReply) => {
      this.#settle(reply);
    });
    for (const fault of ["error", "messageerror"]) {
      this.#worker.on(fault, (error) => {
        this.#fail(error);
      });
    }
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        this.#fail(new Error(`a thread of CLAIR ended with code ${code}`));
        resolve();
      });
    });
  }

  get isAlive(): boolean {
    return this.#fault === undefined;
  }

  /**
   * Creates an object in the thread.
   * @param make the kind of object, as the script names it
   * @param args arguments from which the script creates the object
   */
  host<T>(make: string, ...args: readonly unknown[]): Hosted<T> {
    const of = this.#reserveObject();
    this.#send({ of, make, args });
    return this.#toHosted(of);
  }

  #toHosted<T>(of: number): Hosted<T> {
    return {
      ask: async <M extends Method<T>>(method: M, ...args: Arguments<T, M>) =>
        (await this.#ask(of, String(method), args)) as Result<T, M>,
      keep: (method, ...args) => {
        const as = this.#reserveObject();
        this.#send({ of, keep: String(method), args, as });
        return this.#toHosted(as);
      },
      drop: () => {
        this.#send({ of, drop: true });
        this.#objects.delete(of);
        if (this.#objects.size > 0) return;
        this.#idle ??= setTimeout(() => {
          this.#end();
        }, this.#idleMs).unref();
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
      if (!this.isAlive) throw new Error("a thread of CLAIR has ended", { cause: this.#fault });
      this.#send({ of, ask: method, args, call });
      this.#waiting.set(call, { resolve, reject });
      this.#worker.ref();
    });
  }

  #send(order: ThreadRequest): void {
    this.#worker.postMessage(order);
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.call);
    this.#waiting.delete(reply.call);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ("result" in reply) waiting?.resolve(restore(reply.result));
    else waiting?.reject("fault" in reply ? new UserError(reply.fault) : reply.error);
  }

  /** Ends the idle thread. It takes no calls from now on, because it would not answer them. */
  #end(): void {
    this.#fail(new Error("it was idle"));
    void this.#worker.terminate();
  }

  /** Rejects all pending calls if the thread dies, for example because it is out of memory. */
  #fail(fault: unknown): void {
    this.#fault ??= fault;
    for (const { reject } of this.#waiting.values()) reject(this.#fault);
    this.#waiting.clear();
  }
}
