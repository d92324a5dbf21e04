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
  const server = await serveMetrics(address, metrics, () => {
    const { arm = null, round = 0, failure } = place;
    const { seed, rounds, name } = trial;
    const state = { trial: name, seed, arm, round, rounds, hosts: pool.joined.hosts };
    return failure === undefined ? state : { ...state, failure: printable(failure, 1024) };
  });
  return { metrics, server };
}
