import type { Metrics } from "@fedclair/core";
import type { TrialDescription } from "../measures/description.js";
import {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  type ClientMean,
} from "../measures/evaluation.js";
import { ownProperty } from "../measures/measure.js";
import type { Run } from "../run/read-run.js";

/** The last round of one arm, for comparison with the other arms. */
export interface ArmRow {
  readonly label: string;
  /**
   * Number of clients that measured their params. Undefined for an arm that is not compared because
   * it stopped or is behind.
   */
  readonly measured: number | undefined;
  /** Means by metric, over the clients that measured it in every compared arm. */
  readonly means: ReadonlyMap<string, ClientMean>;
}

/** The arms of a trial, compared over the same clients. */
interface ArmComparison {
  /** One row per arm, the main arm first. */
  readonly rows: readonly ArmRow[];
  /** Metrics that clients measured, the most informative first. */
  readonly metrics: readonly string[];
  /** Number of further metrics that are not shown. */
  readonly hidden: number;
  /** Did clients measure in one arm and not in another? They are left out of the means. */
  readonly clientsDiffer: boolean;
}

/**
 * Compares the last round of the arms that did not stop. An arm at another round than the first of
 * them is left out, because it would have trained for a different time.
 * @param maxMetrics number of metrics to compare
 */
export function compareArms(run: Run, maxMetrics: number): ArmComparison {
  const arms = run.arms.map(({ label }) => ({ label, last: run.last.get(label) }));
  const hasStopped = (label: string) => ownProperty(run.summary.stopped, label) !== undefined;
  const reached = arms.find(({ label }) => !hasStopped(label))?.last?.round;
  const evaluations = arms.map(({ label, last }) => {
    const isCompared = !hasStopped(label) && last?.round === reached;
    return isCompared && last ? clientEvaluations(last.clients) : undefined;
  });
  const all = evaluations.map((own) => own ?? new Map<string, Metrics>());
  const ordered = orderMetrics(new Set(all.flatMap(metricsIn)), run.description);
  const metrics = ordered.slice(0, maxMetrics);
  const means = metrics.map((metric) =>
    sharedEvaluations(all, metric).map((common) => meanMetric(common, metric)),
  );
  const rows = arms.map(({ label }, i): ArmRow => {
    const own = metrics.flatMap((metric, m) => {
      const mean = means[m]?.[i];
      return mean ? [[metric, mean] as const] : [];
    });
    return { label, measured: evaluations[i]?.size, means: new Map(own) };
  });
  const clientsDiffer = rows.some(({ measured = 0, means: own }) =>
    [...own.values()].some(({ n }) => n < measured),
  );
  return { rows, metrics, hidden: ordered.length - metrics.length, clientsDiffer };
}

/**
 * Sorts metrics by interest: the primary metric, then those that the task describes, then the
 * others.
 */
export function orderMetrics(metrics: Iterable<string>, description: TrialDescription): string[] {
  const { primary } = description;
  const places = new Map(Object.keys(description.metrics).map((metric, place) => [metric, place]));
  const placeOf = (metric: string) =>
    metric === primary ? -1 : (places.get(metric) ?? places.size);
  return [...metrics].sort((a, b) => placeOf(a) - placeOf(b));
}
