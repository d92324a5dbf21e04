/** Threads that many callers share, started on first use and again after they have ended. */
export class ThreadPool<T extends { readonly isAlive: boolean }> {
  readonly #start: () => T;
  readonly #threads: T[] = [];

  constructor(start: () => T) {
    this.#start = start;
  }

  /** Returns a thread that is alive. @param i 0, 1, 2 …, at most one for each core */
  at(i: number): T {
    const thread = this.#threads[i];
    return thread?.isAlive === true ? thread : (this.#threads[i] = this.#start());
  }
}
