import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import { readMetric } from "./measure.js";
import { mean } from "./numbers.js";

/** The mean of a metric over some clients. */
export interface ClientMean {
  readonly mean: number;
  /** Clients that it is taken over, at least one. */
  readonly n: number;
}

/**
 * What the clients of a round that are not contaminated measured on their own data, by id. Those whose truth is unknown are
 * among them: their numbers are all that there is.
 */
export function clientEvaluations(clients: readonly ClientRecord[]): ReadonlyMap<string, Metrics> {
  return new Map(
    clients.flatMap(({ clientId, attack, evaluation }) =>
      attack === null && evaluation ? [[clientId, evaluation] as const] : [],
    ),
  );
}

/** Every metric that some client measured. */
export function metricsIn(evaluations: ReadonlyMap<string, Metrics>): readonly string[] {
  return [...new Set([...evaluations.values()].flatMap((metrics) => Object.keys(metrics)))];
}

/** The numbers of the clients that have one. */
export function valuesOf(evaluations: ReadonlyMap<string, Metrics>, metric: string): number[] {
  return [...evaluations.values()].flatMap((metrics) => readMetric(metrics, metric) ?? []);
}

/** Undefined where nobody measured it. */
export function meanMetric(
  evaluations: ReadonlyMap<string, Metrics>,
  metric: string,
): ClientMean | undefined {
  const values = valuesOf(evaluations, metric);
  return values.length === 0 ? undefined : { mean: mean(values), n: values.length };
}

/**
 * What is left of several methods' evaluations of a round when each keeps only the clients that measured the metric under
 * all of them: a mean over others would compare clients and not methods. A method under which nobody measured it is not
 * counted, and has nobody.
 */
export function sharedEvaluations(
  methods: readonly ReadonlyMap<string, Metrics>[],
  metric: string,
): readonly ReadonlyMap<string, Metrics>[] {
  const having = methods.map(
    (evaluations) =>
      new Map([...evaluations].filter(([, metrics]) => readMetric(metrics, metric) !== undefined)),
  );
  const counted = having.filter(({ size }) => size > 0);
  return having.map(
    (evaluations) => new Map([...evaluations].filter(([id]) => counted.every((m) => m.has(id)))),
  );
}
