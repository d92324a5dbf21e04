import type { Metrics } from "@fedclair/core";
import type { ClientRecord, RoundRecord } from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";
import { readMetric } from "./measure.js";

/** The mean of a metric over some clients. */
export interface ClientMean {
  readonly mean: number;
  /** Number of clients in the mean, at least 1. */
  readonly n: number;
}

/**
 * Collects what the clients that are not contaminated measured on their own data in a round, by id.
 * Clients of unknown truth are included, because there may be no others.
 */
export function clientEvaluations(clients: readonly ClientRecord[]): ReadonlyMap<string, Metrics> {
  return new Map(
    clients.flatMap(({ clientId, attack, evaluation }) =>
      attack === null && evaluation ? [[clientId, evaluation] as const] : [],
    ),
  );
}

/** Lists every metric that some client measured. */
export function metricsIn(evaluations: ReadonlyMap<string, Metrics>): readonly string[] {
  return [...new Set([...evaluations.values()].flatMap((metrics) => Object.keys(metrics)))];
}

/** Lists the values of a metric for the clients that have one. */
export function valuesOf(evaluations: ReadonlyMap<string, Metrics>, metric: string): number[] {
  return [...evaluations.values()].flatMap((metrics) => readMetric(metrics, metric) ?? []);
}

/** Averages a metric over clients. Returns undefined if no client measured it. */
export function meanMetric(
  evaluations: ReadonlyMap<string, Metrics>,
  metric: string,
): ClientMean | undefined {
  const values = valuesOf(evaluations, metric);
  return values.length === 0 ? undefined : { mean: mean(values), n: values.length };
}

/**
 * Reads a metric of a round: the mean over clients that are not contaminated, or else what the
 * coordinator measured.
 */
export function readRoundMetric(
  { clients, metrics }: RoundRecord,
  metric: string,
): number | undefined {
  return meanMetric(clientEvaluations(clients), metric)?.mean ?? readMetric(metrics, metric);
}

/**
 * Reduces each arm's evaluations of a round to the clients that measured the metric in all arms. A
 * mean over different clients would compare clients and not arms. An arm in which no client
 * measured the metric is ignored, and its result is empty.
 */
export function sharedEvaluations(
  arms: readonly ReadonlyMap<string, Metrics>[],
  metric: string,
): readonly ReadonlyMap<string, Metrics>[] {
  const measured = arms.map(
    (evaluations) =>
      new Map([...evaluations].filter(([, metrics]) => readMetric(metrics, metric) !== undefined)),
  );
  const counted = measured.filter(({ size }) => size > 0);
  return measured.map(
    (evaluations) => new Map([...evaluations].filter(([id]) => counted.every((m) => m.has(id)))),
  );
}
