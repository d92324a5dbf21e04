import { Worker } from "node:worker_threads";
import { Matrix } from "@fedclair/linalg";
import type { Place } from "./place.js";
import type { Answer, Method, Parts } from "./parts.js";

/** What a helper is told: to take parts, to call a method of all of them, to let go of them. */
export type Order = { readonly place: number } & (
  | { readonly take: Parameters<Place> }
  | { readonly call: number; readonly method: Method; readonly args: never }
  | { readonly close: true }
);

export type Reply = { readonly call: number } & (
  { readonly answers: unknown } | { readonly error: unknown }
);

interface Waiting {
  readonly resolve: (answers: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that holds parts and does what is asked of them, an order after the other. */
export class Helper {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #places = 0;
  #calls = 0;
  isAlive = true;

  constructor(script = new URL("./helper-thread.js", import.meta.url)) {
    this.#worker = new Worker(script);
    this.#worker.unref();
    this.#worker.on("message", (reply: Reply) => {
      const waiting = this.#waiting.get(reply.call);
      this.#waiting.delete(reply.call);
      if (this.#waiting.size === 0) this.#worker.unref();
      if ("error" in reply) waiting?.reject(reply.error);
      else waiting?.resolve(reply.answers);
    });
    for (const fault of ["error", "messageerror"]) {
      this.#worker.on(fault, (error) => {
        this.#end(error);
      });
    }
    this.#worker.on("exit", (code) => {
      this.#end(new Error(`a thread of CLAIR ended with code ${code}`));
    });
  }

  /** A thread that dies, as for want of memory, fails what it was asked: nobody waits for it. */
  #end(error: unknown): void {
    this.isAlive = false;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  place(...take: Parameters<Place>): Parts {
    const place = ++this.#places;
    this.#tell({ place, take });
    return {
      each: async (method, ...args) => {
        const answers = await this.#ask(place, method, args as never);
        return revived(answers) as Answer<typeof method>[];
      },
      close: () => {
        this.#tell({ place, close: true });
      },
    };
  }

  #ask(place: number, method: Method, args: never): Promise<unknown> {
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      if (!this.isAlive) throw new Error("a thread of CLAIR has ended");
      this.#tell({ place, call, method, args });
      this.#waiting.set(call, { resolve, reject });
      // Whoever waits for an answer must not find the process gone.
      this.#worker.ref();
    });
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }
}

/** Matrices lose their class on their way; one that several share stays one. */
function revived(value: unknown, known = new Map<object, unknown>()): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const revive = (x: unknown) => revived(x, known);
  const alive = known.get(value) ?? copyOf(value, revive);
  known.set(value, alive);
  return alive;
}

function copyOf(value: object, revive: (x: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (value instanceof Map) return new Map([...value].map(([key, x]) => [key, revive(x)]));
  if (isMatrix(value)) return new Matrix(value.rows, value.cols, value.data);
  return Object.fromEntries(Object.entries(value).map(([key, x]) => [key, revive(x)]));
}

function isMatrix(value: object): value is Pick<Matrix, "rows" | "cols" | "data"> {
  return "rows" in value && "cols" in value && "data" in value;
}
