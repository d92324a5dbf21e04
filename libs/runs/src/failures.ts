import type { ArmRecord } from "./arm-record.js";
import { countLosses } from "./losses.js";

/** A late, lost or refused answer, or a round that left the params as they were. */
export interface FailedAnswer {
  readonly arm: string;
  readonly round: number;
  /** Absent of a round. */
  readonly clientId?: string;
  /** Of an answer its error code; of a round what became of it, in words. */
  readonly code: string;
  readonly message: string;
}

/** What went wrong in a run, all arms together. */
export interface Failures {
  /** The first ones. */
  readonly first: readonly FailedAnswer[];
  readonly count: number;
  /** Of training under the method under study, but for the round in which it stopped. */
  readonly training: { readonly late: number; readonly failed: number };
  /** The last client that could not measure. */
  readonly unmeasured?: { readonly clientId: string; readonly message: string };
}

/** As many as a page shows. */
const mostKept = 300;

/** Counts failures while rounds come in. */
export class FailureTally {
  readonly #main: string;
  readonly #first: FailedAnswer[] = [];
  readonly #training = { late: 0, failed: 0 };
  #count = 0;
  #unmeasured: Failures["unmeasured"];

  /** @param main the label of the method under study */
  constructor(main: string) {
    this.#main = main;
  }

  add({ arm, round, clients, kept, stopped }: ArmRecord): void {
    for (const client of clients) {
      const { clientId, evaluationFailure } = client;
      const failure = client.failure ?? countLosses(client);
      if (failure) this.#add({ arm, round, clientId, ...failure });
      if (evaluationFailure) this.#unmeasured = { clientId, message: evaluationFailure.message };
      if (client.failure && arm === this.#main && stopped === undefined) {
        this.#training[client.failure.code === "STRAGGLER" ? "late" : "failed"]++;
      }
    }
    if (kept !== undefined) this.#add({ arm, round, code: "params kept", message: kept });
    if (stopped !== undefined) this.#add({ arm, round, code: "stopped", message: stopped });
  }

  #add(failed: FailedAnswer): void {
    this.#count++;
    if (this.#first.length < mostKept) this.#first.push(failed);
  }

  failures(): Failures {
    return {
      ...{ first: this.#first, count: this.#count, training: this.#training },
      ...(this.#unmeasured && { unmeasured: this.#unmeasured }),
    };
  }
}
