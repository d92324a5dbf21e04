import type { ClientRecord } from "@fedclair/core/internal";
import { createMeasure, type Measure } from "./measure.js";
import { clientTruth } from "./truth.js";

type Reported = Required<Pick<Measure, "mod" | "metric" | "value">>;

/**
 * Tracks the largest metrics that mods reported for clients while rounds come in. Contaminated
 * clients are ignored, because they do not follow the mods.
 */
export class ModMetricsTally {
  readonly #largest = new Map<string, { measure: Reported; clients: Set<string> }>();

  add(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      if (clientTruth(client) === "contaminated") continue;
      for (const [mod, metrics] of Object.entries(client.mods ?? {})) {
        for (const [metric, value] of Object.entries(metrics)) {
          this.#add(client.clientId, { mod, metric, value });
        }
      }
    }
  }

  #add(clientId: string, reported: Reported): void {
    const key = JSON.stringify([reported.mod, reported.metric]);
    const before = this.#largest.get(key);
    const value = Math.max(before?.measure.value ?? -Infinity, reported.value);
    const clients = (before?.clients ?? new Set()).add(clientId);
    this.#largest.set(key, { measure: { ...reported, value }, clients });
  }

  measures(): Measure[] {
    return [...this.#largest.values()].map(({ measure, clients }) =>
      createMeasure({ scope: "mods", ...measure, n: clients.size }),
    );
  }
}
