import type { JobRunner } from "./client-runner.js";
import { nextGroup } from "./cohort-groups.js";
import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";
import { turnOfEventLoop } from "../words/yield-to-event-loop.js";

/**
 * Runs all clients in this process, one group after another and without sockets: for tests,
 * debugging and small trials. The pool closes its runner.
 */
export class MemoryPool implements ClientPool {
  readonly #runner: JobRunner;

  constructor(runner: JobRunner) {
    this.#runner = runner;
  }

  async ready(): Promise<void> {
    await this.#runner.prepare({ isAlone: true });
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    const running: Promise<readonly Answer[]>[] = [];
    for (let start = 0; ;) {
      await turnOfEventLoop(); // handles Ctrl-C, timers and the progress bar
      if (signal.aborted) return;
      while (start < jobs.length && running.length < this.#runner.ahead) {
        const group = nextGroup(jobs, start, this.#runner.maxBatch);
        const answers = this.#runner.runAll(group);
        answers.catch(() => undefined); // thrown below, unless the call ends before
        running.push(answers);
        start += group.length;
      }
      const answers = await running.shift();
      if (!answers) return;
      for (const answer of answers) {
        const failure = "update" in answer ? admit(answer.update) : undefined;
        yield failure ? { jobId: answer.jobId, clientId: answer.clientId, failure } : answer;
      }
    }
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }
}
