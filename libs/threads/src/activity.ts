/** The call and the code that a thread runs. */
export interface Doing {
  /** The number of the call; 0 if the thread waits for one. */
  readonly call: number;
  /** The index of the first job that runs, among those of the call. */
  readonly job: number;
  /** The number of jobs that run together. */
  readonly jobs: number;
  /** The index of the code that runs, among the names that the thread has sent; or -1. */
  readonly code: number;
}

const fields = { turn: 0, call: 1, job: 2, jobs: 3, code: 4 } as const;

/**
 * What a thread is doing, in memory that it shares with the main thread. A message for each job
 * would take a tenth of the time of a small one.
 */
export class ThreadActivity {
  readonly buffer: SharedArrayBuffer;
  readonly #values: Int32Array;

  /** @param buffer the memory of another thread's object; default: new memory */
  constructor(buffer = new SharedArrayBuffer(4 * Object.keys(fields).length)) {
    this.buffer = buffer;
    this.#values = new Int32Array(buffer);
  }

  begin({ call, job, jobs, code }: Doing): void {
    this.#set(fields.call, call);
    this.#set(fields.job, job);
    this.#set(fields.jobs, jobs);
    this.#set(fields.code, code);
    this.turn();
  }

  /** Tells that the thread makes progress. */
  turn(): void {
    Atomics.add(this.#values, fields.turn, 1);
  }

  enter(code: number): void {
    this.#set(fields.code, code);
  }

  /** A number that changes when the thread makes progress. */
  get turns(): number {
    return this.#get(fields.turn);
  }

  get doing(): Doing {
    return {
      call: this.#get(fields.call),
      job: this.#get(fields.job),
      jobs: this.#get(fields.jobs),
      code: this.#get(fields.code),
    };
  }

  #get(field: number): number {
    return Atomics.load(this.#values, field);
  }

  #set(field: number, value: number): void {
    Atomics.store(this.#values, field, value);
  }
}

/** A thread that waits for a call. */
export const idle: Doing = { call: 0, job: 0, jobs: 0, code: -1 };
