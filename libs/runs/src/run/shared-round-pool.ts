import {
  copyUpdate,
  WrappedPool,
  type Admit,
  type Answer,
  type Job,
} from "@fedclair/core/internal";

/**
 * Lets all arms of a trial share the training of round 1. All arms start from the same params with
 * the same random streams, and the cohort of every later arm is the first arm's cohort or a part of
 * it. Their answers are therefore the same. From round 2 on, each arm trains separately.
 */
export class SharedRoundPool extends WrappedPool {
  #first: Map<string, Answer> | undefined;

  override async *ask(
    jobs: readonly Job[],
    admit: Admit,
    signal: AbortSignal,
  ): AsyncIterable<Answer> {
    if (!jobs.every(({ round, kind }) => round === 1 && kind === "train")) {
      yield* this.inner.ask(jobs, admit, signal);
      return;
    }
    if (this.#first) {
      // A client that was late for the first arm is late for all. Asking it again would give this
      // arm an answer that the first one did not have.
      for (const { id, clientId } of jobs) {
        const answer = this.#first.get(clientId);
        if (answer) yield { ...copyAnswer(answer), jobId: id };
      }
      return;
    }
    const first = (this.#first = new Map<string, Answer>());
    for await (const answer of this.inner.ask(jobs, admit, signal)) {
      if (signal.aborted) return; // the round is closed, so nothing reads further answers
      first.set(answer.clientId, copyAnswer(answer));
      yield answer;
    }
  }
}

/**
 * Copies an answer, so that an attack or aggregator that changes it in place does not change it for
 * the other arms.
 */
function copyAnswer(answer: Answer): Answer {
  return "update" in answer ? { ...answer, update: copyUpdate(answer.update) } : answer;
}
