import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";

/** A pool that asks its clients through another one. */
export abstract class WrappedPool implements ClientPool {
  protected readonly inner: ClientPool;

  constructor(inner: ClientPool) {
    this.inner = inner;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.inner.ready(signal);
  }

  abstract ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer>;

  close(): Promise<void> {
    return this.inner.close();
  }
}
