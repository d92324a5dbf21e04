import type { Update } from "@fedclair/core";
import type { Admit, Answer, Failure, Job } from "@fedclair/core/internal";
import { toFailure } from "../codec/wire-error.js";

/** The jobs of one call of `ask` that are in progress, and the answers that nobody has read yet. */
export class OpenJobs {
  /** Jobs by id. */
  readonly jobs: ReadonlyMap<number, Job>;
  readonly #admit: Admit;
  readonly #unanswered: Set<number>;
  readonly #answers: Answer[] = [];
  readonly #closing = new AbortController();
  readonly #onOver = new Map<number, () => void>();
  #onAnswer: () => void = () => undefined;
  #fault: { readonly error: unknown } | undefined;

  constructor(jobs: readonly Job[], admit: Admit) {
    this.#admit = admit;
    this.jobs = new Map(jobs.map((job) => [job.id, job]));
    this.#unanswered = new Set(this.jobs.keys());
  }

  /** Aborts when the call is over. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Yields answers as they arrive, until every job is answered or the call is over.
   * @throws the error that `admit` threw
   */
  async *answers(): AsyncGenerator<Answer> {
    while (!this.closed.aborted) {
      if (this.#fault) throw this.#fault.error;
      const answer = this.#answers.shift();
      if (answer) yield answer;
      else if (this.#unanswered.size === 0) return;
      else await new Promise<void>((resolve) => (this.#onAnswer = resolve));
    }
  }

  /**
   * Records the client's update if `admit` accepts it, otherwise a failure.
   * @returns the reason why it is refused
   */
  answer(job: Job, read: () => Update): Failure | undefined {
    const refusal = this.#refusal(job);
    if (refusal) return refusal;
    const verdict = this.#judge(read);
    if (!("code" in verdict)) {
      this.#settle(job, { update: verdict });
      return undefined;
    }
    this.#settle(job, { failure: verdict });
    return verdict;
  }

  /**
   * Records a failure of the client, unless the job is answered.
   * @returns the reason why it is refused
   */
  fail(job: Job, failure: Failure): Failure | undefined {
    const refusal = this.#refusal(job);
    if (!refusal) this.#settle(job, { failure });
    return refusal;
  }

  /** Whether the call still waits for an answer to the job. */
  awaits({ id }: Job): boolean {
    return this.#unanswered.has(id) && !this.closed.aborted;
  }

  /** Resolves when the job is answered or the call is over. */
  async over(job: Job): Promise<void> {
    if (this.awaits(job)) await new Promise<void>((resolve) => this.#onOver.set(job.id, resolve));
  }

  /** @returns whether the job has its answer */
  isAnswered({ id }: Job): boolean {
    return !this.#unanswered.has(id);
  }

  /** Ends the call: no further answers are recorded or yielded. */
  close(): void {
    this.#closing.abort();
    this.#onAnswer();
    for (const resolve of this.#onOver.values()) resolve();
    this.#onOver.clear();
  }

  #judge(read: () => Update): Update | Failure {
    let update: Update;
    try {
      update = read();
    } catch (error) {
      return toFailure(error, "MALFORMED");
    }
    try {
      return this.#admit(update) ?? update;
    } catch (error) {
      this.#fault = { error };
      return { code: "TRIAL_ENDED", message: "the coordinator failed to check the update" };
    }
  }

  #refusal({ id, clientId }: Job): Failure | undefined {
    if (this.#unanswered.has(id)) return undefined;
    return { code: "DUPLICATE", message: `client '${clientId}' has answered job ${id} already` };
  }

  #settle(
    { id, clientId }: Job,
    result: { readonly update: Update } | { readonly failure: Failure },
  ): void {
    this.#unanswered.delete(id);
    this.#answers.push({ jobId: id, clientId, ...result });
    this.#onAnswer();
    this.#onOver.get(id)?.();
    this.#onOver.delete(id);
  }
}
