import type { ClientRecord } from "@fedclair/core/internal";
import { named, type Measure } from "./measure.js";
import { clientTruth } from "./truth.js";

/** Keeps, while rounds come in, the largest of what mods told of clients: of all but the contaminated, who keep to no mod. */
export class ToldTally {
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

  #add(clientId: string, told: { mod: string; metric: string; value: number }): void {
    const key = JSON.stringify([told.mod, told.metric]);
    const before = this.#largest.get(key)?.value ?? -Infinity;
    this.#largest.set(key, { ...told, value: Math.max(before, told.value) });
    this.#clients.set(key, (this.#clients.get(key) ?? new Set()).add(clientId));
  }

  measures(): Measure[] {
    return [...this.#largest].map(([key, told]) => {
      const n = this.#clients.get(key)?.size ?? 0;
      return named({ scope: "mods", ...told, n });
    });
  }
}
