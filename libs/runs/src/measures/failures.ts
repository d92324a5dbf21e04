import type { ArmRecord } from "./arm-record.js";
import { findLoss } from "./losses.js";

/** A late, lost or rejected answer, or a round that left the params unchanged. */
interface FailedAnswer {
  readonly arm: string;
  readonly round: number;
  /** Absent if the failure concerns a whole round. */
  readonly clientId?: string;
  /** The error code of an answer, or a word for the outcome of a round. */
  readonly code: string;
  readonly message: string;
}

/** A client that could not measure the params. */
interface Unmeasured {
  readonly clientId: string;
  readonly code: string;
  readonly message: string;
}

/** Failures of a run, over all arms. */
export interface Failures {
  /** The first failures. */
  readonly first: readonly FailedAnswer[];
  readonly count: number;
  /** Training failures in the main arm, without the round in which it stopped. */
  readonly training: { readonly late: number; readonly failed: number };
  /** A client of each arm that could not measure in the last round, with the reason. */
  readonly unmeasured: ReadonlyMap<string, Unmeasured>;
}

/** A page shows this many failures. */
const maxListed = 300;

/** Counts failures while rounds come in. */
export class FailureTally {
  readonly #main: string;
  readonly #first: FailedAnswer[] = [];
  readonly #training = { late: 0, failed: 0 };
  #count = 0;
  readonly #unmeasured = new Map<string, Unmeasured>();

  /** @param main label of the main arm */
  constructor(main: string) {
    this.#main = main;
  }

  add({ arm, round, clients, kept, stopped }: ArmRecord): void {
    this.#unmeasured.delete(arm);
    for (const client of clients) {
      const { clientId, evaluationFailure } = client;
      const failure = client.failure ?? findLoss(client);
      if (failure) this.#add({ arm, round, clientId, ...failure });
      if (evaluationFailure) this.#unmeasured.set(arm, { clientId, ...evaluationFailure });
      if (client.failure && arm === this.#main && stopped === undefined) {
        this.#training[client.failure.code === "STRAGGLER" ? "late" : "failed"]++;
      }
    }
    if (kept !== undefined) this.#add({ arm, round, code: "params kept", message: kept });
    if (stopped !== undefined) this.#add({ arm, round, code: "stopped", message: stopped });
  }

  #add(failed: FailedAnswer): void {
    this.#count++;
    if (this.#first.length < maxListed) this.#first.push(failed);
  }

  failures(): Failures {
    return {
      first: this.#first,
      count: this.#count,
      training: this.#training,
      unmeasured: this.#unmeasured,
    };
  }
}
