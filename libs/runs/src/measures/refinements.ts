import { candidateKinds, type CandidateKind, type ClientRecord } from "@fedclair/core/internal";
import { createMeasure, type Measure } from "./measure.js";
import { clientTruth } from "./truth.js";

/** Counts the choices of an arm's clients between their own change and its refined versions. */
export class RefinementTally {
  readonly #counts = new Map<CandidateKind, number>();

  /** Adds a round. Contaminated clients are left out. */
  add(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      const { refinement } = client;
      if (refinement === undefined || clientTruth(client) === "contaminated") continue;
      this.#counts.set(refinement, (this.#counts.get(refinement) ?? 0) + 1);
    }
  }

  /** Returns one measure per kind; none if no client had a choice. */
  measures(): Measure[] {
    const all = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    if (all === 0) return [];
    return candidateKinds.map((kind) =>
      createMeasure({
        scope: "refinement",
        metric: kind,
        value: this.#counts.get(kind) ?? 0,
        n: all,
        unit: "client-rounds",
      }),
    );
  }
}
