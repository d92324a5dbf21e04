import type { ClientRunner } from "./client-runner.js";
import type { Answer, ClientPool, Job } from "./contracts.js";
import { turnOfEventLoop } from "./yield-to-event-loop.js";

/** All clients in this process, one after another, no sockets: for tests, debugging and small trials. */
export class MemoryPool implements ClientPool {
  readonly #runner: ClientRunner;

  constructor(runner: ClientRunner) {
    this.#runner = runner;
  }

  async ready(): Promise<void> {
    await this.#runner.prepare({ isAlone: true });
  }

  async *ask(jobs: readonly Job[], signal: AbortSignal): AsyncIterable<Answer> {
    for (const job of jobs) {
      await turnOfEventLoop(); // lets Ctrl-C, timers and a progress bar in between two clients
      if (signal.aborted) return;
      const answer = await this.#runner.run(job);
      const failure = "update" in answer ? job.admit(answer.update) : undefined;
      yield failure ? { jobId: job.id, clientId: job.clientId, failure } : answer;
    }
  }

  async close(): Promise<void> {}
}
