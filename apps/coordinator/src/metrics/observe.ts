import { printable, type PreparedTrial } from "@fedclair/core/internal";
import type { Place } from "../place.js";
import { serveMetrics, type MetricsServer } from "./serve.js";
import { TrialMetrics, type ObservedPool } from "./trial-metrics.js";

/** The metrics of a trial and the server that publishes them. */
export interface Observer {
  readonly metrics: TrialMetrics;
  readonly server: MetricsServer;
}

/** Serves the metrics of a trial. @throws UserError if it cannot listen at the address */
export async function observe(
  address: { readonly host: string; readonly port: number },
  { trial, measures }: PreparedTrial,
  pool: ObservedPool,
  place: Place,
): Promise<Observer> {
  const metrics = new TrialMetrics(trial, pool, measures.primary);
  const server = await serveMetrics(address, {
    contentType: metrics.contentType,
    text: () => metrics.text(),
    get failure() {
      return place.failure === undefined ? undefined : printable(place.failure, 1024);
    },
    get state() {
      const { arm = null, round = 0 } = place;
      const { seed, rounds, name } = trial;
      return { trial: name, seed, arm, round, rounds, hosts: pool.joined.hosts };
    },
  });
  return { metrics, server };
}
