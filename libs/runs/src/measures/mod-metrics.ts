import type { ClientRecord } from "@fedclair/core/internal";
import { createMeasure, type Measure } from "./measure.js";
import { clientTruth } from "./truth.js";

/**
 * Tracks the largest metrics that mods reported for clients while rounds come in. Contaminated
 * clients are ignored, because they do not follow the mods.
 */
export class ModMetricsTally {
  readonly #largest = new Map<string, Pick<Measure, "mod" | "metric" | "value">>();
  readonly #clients = new Map<string, Set<string>>();

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

  #add(clientId: string, reported: { mod: string; metric: string; value: number }): void {
    const key = JSON.stringify([reported.mod, reported.metric]);
    const before = this.#largest.get(key)?.value ?? -Infinity;
    this.#largest.set(key, { ...reported, value: Math.max(before, reported.value) });
    this.#clients.set(key, (this.#clients.get(key) ?? new Set()).add(clientId));
  }

  measures(): Measure[] {
    return [...this.#largest].map(([key, largest]) => {
      const n = this.#clients.get(key)?.size ?? 0;
      return createMeasure({ scope: "mods", ...largest, n });
    });
  }
}
