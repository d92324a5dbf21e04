import type { Answer, Failure, Update, Work } from "@fedclair/core";
import { workText, type WorkId } from "./codec/work-id.js";
import { failureOf } from "./wire-error.js";

/** One call of `run` in progress: who has still to answer, and the answers that nobody has taken yet. */
export class OpenWork {
  readonly id: WorkId;
  readonly work: Work;
  readonly #unanswered: Set<string>;
  readonly #arrived: Answer[] = [];
  readonly #closing = new AbortController();
  readonly #onAnswer = new Map<string, () => void>();
  #onArrival: () => void = () => undefined;
  #fault: { readonly error: unknown } | undefined;

  /** @param serial a number of its own */
  constructor(serial: number, work: Work) {
    const { round, phase, kind } = work;
    this.id = { serial, round, phase, kind };
    this.work = work;
    this.#unanswered = new Set(work.clientIds);
  }

  /** Aborts when the work is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Yields what arrives, until every client has answered or the work is closed. @throws what `admit` threw */
  async *arrivals(): AsyncGenerator<Answer> {
    while (!this.closed.aborted) {
      if (this.#fault) throw this.#fault.error;
      const arrival = this.#arrived.shift();
      if (arrival) yield arrival;
      else if (this.#unanswered.size === 0) return;
      else await new Promise<void>((resolve) => (this.#onArrival = resolve));
    }
  }

  /** Takes the client's update if `admit` lets it, else its failure. @returns why it is refused */
  answer(clientId: string, read: () => Update): Failure | undefined {
    const refusal = this.#refusal(clientId);
    if (refusal) return refusal;
    const verdict = this.#judge(read);
    if (!("code" in verdict)) {
      this.#settle({ clientId, update: verdict });
      return undefined;
    }
    this.#settle({ clientId, failure: verdict });
    return verdict;
  }

  /** Takes the client's failure, unless it has answered. @returns why it is refused */
  fail(clientId: string, failure: Failure): Failure | undefined {
    const refusal = this.#refusal(clientId);
    if (!refusal) this.#settle({ clientId, failure });
    return refusal;
  }

  /** Resolves when the client has answered or failed, or the work is closed. */
  async answered(clientId: string): Promise<void> {
    if (!this.#unanswered.has(clientId) || this.closed.aborted) return;
    await new Promise<void>((resolve) => this.#onAnswer.set(clientId, resolve));
  }

  /** Nothing is taken or given any more. */
  close(): void {
    this.#closing.abort();
    this.#onArrival();
    for (const resolve of this.#onAnswer.values()) resolve();
    this.#onAnswer.clear();
  }

  #judge(read: () => Update): Update | Failure {
    let update: Update;
    try {
      update = read();
    } catch (error) {
      return failureOf(error, "MALFORMED");
    }
    try {
      return this.work.admit(update) ?? update;
    } catch (error) {
      this.#fault = { error };
      return { code: "TRIAL_ENDED", message: "the coordinator failed to check the update" };
    }
  }

  #refusal(clientId: string): Failure | undefined {
    if (this.#unanswered.has(clientId)) return undefined;
    if (!this.work.clientIds.includes(clientId)) {
      const message = `client '${clientId}' has no part in ${workText(this.id)}`;
      return { code: "UNKNOWN_CLIENT", message };
    }
    const message = `client '${clientId}' has answered ${workText(this.id)} already`;
    return { code: "DUPLICATE", message };
  }

  #settle(arrival: Answer): void {
    this.#unanswered.delete(arrival.clientId);
    this.#arrived.push(arrival);
    this.#onArrival();
    this.#onAnswer.get(arrival.clientId)?.();
    this.#onAnswer.delete(arrival.clientId);
  }
}
