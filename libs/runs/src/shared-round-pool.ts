import {
  copyUpdate,
  type Admit,
  type Answer,
  type ClientPool,
  type Job,
} from "@fedclair/core/internal";

/**
 * Spares the arms of a trial the same work: in round 1 all start from the same params with the same random streams, so
 * the answers that the first arm got are those of every other one, whose cohort is the same or a part of it. From round 2
 * on each arm trains on its own.
 */
export class SharedRoundPool implements ClientPool {
  readonly #inner: ClientPool;
  #first: Map<string, Answer> | undefined;

  constructor(inner: ClientPool) {
    this.#inner = inner;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    if (!jobs.every(({ round, kind }) => round === 1 && kind === "train")) {
      yield* this.#inner.ask(jobs, admit, signal);
      return;
    }
    if (this.#first) {
      // A client that was late then is late now: asking it again would give this arm what the first one did not have.
      for (const { id, clientId } of jobs) {
        const answer = this.#first.get(clientId);
        if (answer) yield { ...copyOf(answer), jobId: id };
      }
      return;
    }
    const first = (this.#first = new Map<string, Answer>());
    for await (const answer of this.#inner.ask(jobs, admit, signal)) {
      if (signal.aborted) return; // the round is closed, nobody reads on
      first.set(answer.clientId, copyOf(answer));
      yield answer;
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** An attack or an aggregator that changes what it got in place must not change it for the other arms. */
function copyOf(answer: Answer): Answer {
  return "update" in answer ? { ...answer, update: copyUpdate(answer.update) } : answer;
}
