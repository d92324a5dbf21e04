import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";
import { failure, type Failure } from "../words/errors.js";
import { WrappedPool } from "./wrapped-pool.js";

/** The hangs of a client in an arm. */
export interface Hangs {
  readonly count: number;
  /** The round of the last one. */
  readonly round: number;
}

/**
 * Stops asking clients that hung in an arm: each time costs their host `limits.clientSeconds` and a
 * new thread. Their jobs fail with CLIENT_HUNG at once, on whichever host they would run. Each arm
 * has a pool of its own, because its records must not depend on the arms before it.
 */
export class HungClientPool extends WrappedPool {
  readonly #retries: number;
  readonly #hangs: Map<string, Hangs>;

  /**
   * @param retries how often a client that hung is asked again (`limits.hangRetries`)
   * @param hangs the hangs so far by client, when a run is resumed
   */
  constructor(inner: ClientPool, retries: number, hangs?: ReadonlyMap<string, Hangs>) {
    super(inner);
    this.#retries = retries;
    this.#hangs = new Map(hangs);
  }

  /** The hangs so far, by client. */
  get hangs(): ReadonlyMap<string, Hangs> {
    return this.#hangs;
  }

  override async *ask(
    jobs: readonly Job[],
    admit: Admit,
    signal: AbortSignal,
  ): AsyncIterable<Answer> {
    const asked: Job[] = [];
    for (const job of jobs) {
      const { id: jobId, clientId } = job;
      const why = this.#findRefusal(clientId);
      if (why) yield { jobId, clientId, failure: why };
      else asked.push(job);
    }
    const rounds = new Map(asked.map(({ id, round }) => [id, round]));
    for await (const answer of this.inner.ask(asked, admit, signal)) {
      if ("failure" in answer && answer.failure.code === "CLIENT_HUNG")
        this.#count(answer.clientId, rounds.get(answer.jobId) ?? 0);
      yield answer;
    }
  }

  #findRefusal(clientId: string): Failure | undefined {
    const hangs = this.#hangs.get(clientId);
    if (!hangs || hangs.count <= this.#retries) return undefined;
    const message = `not asked: it hung in round ${hangs.round} (limits.hangRetries = ${this.#retries})`;
    return failure("CLIENT_HUNG", message);
  }

  #count(clientId: string, round: number): void {
    const { count = 0 } = this.#hangs.get(clientId) ?? {};
    this.#hangs.set(clientId, { count: count + 1, round });
  }
}
