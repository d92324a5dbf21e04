import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";
import { failure, type Failure } from "../words/errors.js";

/** The failures of a client in a round, as its record has them. */
interface Failures {
  readonly clientId: string;
  readonly failure?: Failure | null;
  readonly refinementFailure?: Failure | undefined;
  readonly evaluationFailure?: Failure | undefined;
}

interface Hangs {
  readonly count: number;
  /** The round of the last one. */
  readonly round: number;
}

/**
 * Asks clients that hung no longer: each time costs its host `limits.clientSeconds` and a new
 * thread. Their jobs fail with CLIENT_HUNG at once, on whichever host they would run.
 */
export class HungClientPool implements ClientPool {
  readonly #inner: ClientPool;
  readonly #retries: number;
  readonly #hangs = new Map<string, Hangs>();

  /** @param retries how often a client that hung is asked again (`limits.hangRetries`) */
  constructor(inner: ClientPool, retries: number) {
    this.#inner = inner;
    this.#retries = retries;
  }

  /** Counts the hangs in the record of a round, when a run is resumed. */
  recall({ round, clients }: { readonly round: number; readonly clients: readonly Failures[] }) {
    for (const { clientId, failure: trained, refinementFailure, evaluationFailure } of clients) {
      for (const fault of [trained, refinementFailure, evaluationFailure]) {
        if (fault?.code === "CLIENT_HUNG") this.#count(clientId, round);
      }
    }
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    const asked: Job[] = [];
    for (const job of jobs) {
      const { id: jobId, clientId } = job;
      const why = this.#findRefusal(clientId);
      if (why) yield { jobId, clientId, failure: why };
      else asked.push(job);
    }
    const rounds = new Map(asked.map(({ id, round }) => [id, round]));
    for await (const answer of this.#inner.ask(asked, admit, signal)) {
      if ("failure" in answer && answer.failure.code === "CLIENT_HUNG")
        this.#count(answer.clientId, rounds.get(answer.jobId) ?? 0);
      yield answer;
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #findRefusal(clientId: string): Failure | undefined {
    const hangs = this.#hangs.get(clientId);
    if (!hangs || hangs.count <= this.#retries) return undefined;
    const message = `not asked: it hung in round ${hangs.round} (limits.hangRetries = ${this.#retries})`;
    return failure("CLIENT_HUNG", message);
  }

  /** Does nothing for a client that is not asked any more. */
  #count(clientId: string, round: number): void {
    const { count = 0 } = this.#hangs.get(clientId) ?? {};
    if (count <= this.#retries) this.#hangs.set(clientId, { count: count + 1, round });
  }
}
