import { Worker } from "node:worker_threads";

/** Time between two signs that the event loop turns, in ms. */
const pulseMs = 100;

/** The property of the global object that the watching thread calls. */
const name = "fedclair.overdue";

/**
 * Watches from a thread whether the event loop of the main thread turns. If it does not, the thread
 * calls a function on top of the code that runs, without ending that code.
 */
export class EventLoopWatch {
  readonly #onOverdue: () => void;
  /** The memory that the watching thread reads: a number that changes, and the limit in ms. */
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));
  #isStarted = false;

  /** @param onOverdue a stack that it takes contains the code that does not return */
  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue;
  }

  /** The longest time that the event loop may not turn. */
  get seconds(): number {
    return Atomics.load(this.#shared, 1) / 1000;
  }

  limit(seconds: number): void {
    Atomics.store(this.#shared, 1, Math.min(1000 * seconds, 2 ** 31 - 1));
  }

  /** Begins to watch, unless it watches already. The main thread can have one watch. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    (globalThis as Record<symbol, unknown>)[Symbol.for(name)] = this.#onOverdue;
    setInterval(() => Atomics.add(this.#shared, 0, 1), pulseMs).unref();
    new Worker(new URL(import.meta.resolve("#event-loop-watch")), {
      workerData: {
        memory: this.#shared.buffer,
        expression: `globalThis[Symbol.for("${name}")]()`,
      },
      resourceLimits: { maxOldGenerationSizeMb: 16 },
    }).unref();
  }
}
