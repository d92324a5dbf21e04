import { setImmediate } from "node:timers/promises";
import type { ClientRunner } from "./client-runner.js";
import type { Answer, ClientPool, Work } from "./contracts.js";

/** All clients in this process, one after another, no sockets: for tests, debugging and small trials. */
export class MemoryPool implements ClientPool {
  readonly #runner: ClientRunner;

  constructor(runner: ClientRunner) {
    this.#runner = runner;
  }

  async ready(): Promise<void> {
    await this.#runner.prepare();
  }

  async *run(work: Work, signal: AbortSignal): AsyncIterable<Answer> {
    const { round, phase, kind, clientIds, global, personal } = work;
    for (const clientId of clientIds) {
      await setImmediate(); // lets Ctrl-C, timers and a progress bar in between two clients
      if (signal.aborted) return;
      const params = personal.get(clientId) ?? global;
      const arrival = await this.#runner.run({ round, phase, kind, clientId, params });
      const refusal = "update" in arrival ? work.admit(arrival.update) : undefined;
      yield refusal ? { clientId, failure: refusal } : arrival;
    }
  }

  async close(): Promise<void> {}
}
