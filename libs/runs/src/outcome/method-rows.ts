import type { Metrics } from "@fedclair/core";
import type { TrialDescription } from "../description.js";
import {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  type ClientMean,
} from "../evaluation.js";
import { ownProperty } from "../measure.js";
import type { Run } from "../run.js";

/** One method's last round, set beside those of the others. */
export interface ArmRow {
  readonly label: string;
  /** Clients that measured their params; undefined of a method that is not compared: it stopped, or is behind. */
  readonly measured: number | undefined;
  /** By metric: the mean over the clients that measured it under every method compared. */
  readonly means: ReadonlyMap<string, ClientMean>;
}

/** The methods of a trial over the same clients. */
export interface ArmComparison {
  /** The method under study first. */
  readonly rows: readonly ArmRow[];
  /** What clients measured, the most telling first. */
  readonly metrics: readonly string[];
  /** Metrics beyond those. */
  readonly hidden: number;
  /** Did clients measure under one method and not under another? They are left out of the means. */
  readonly clientsDiffer: boolean;
}

/** Of the last round; a mean of another round would compare training time, not methods. @param most metrics */
export function compareArms(run: Run, most: number): ArmComparison {
  const methods = run.arms.map(({ label }) => ({ label, last: run.last.get(label) }));
  const evaluations = methods.map(({ label, last }) => {
    const stopped = ownProperty(run.summary.stopped, label) !== undefined;
    const isCompared = !stopped && last?.round === methods[0]?.last?.round;
    return isCompared && last ? clientEvaluations(last.clients) : undefined;
  });
  const all = evaluations.map((own) => own ?? new Map<string, Metrics>());
  const known = orderMetrics(new Set(all.flatMap(metricsIn)), run.description);
  const metrics = known.slice(0, most);
  const means = metrics.map((metric) =>
    sharedEvaluations(all, metric).map((common) => meanMetric(common, metric)),
  );
  const rows = methods.map(({ label }, i): ArmRow => {
    const own = metrics.flatMap((metric, m) => {
      const mean = means[m]?.[i];
      return mean ? [[metric, mean] as const] : [];
    });
    return { label, measured: evaluations[i]?.size, means: new Map(own) };
  });
  const clientsDiffer = rows.some(({ measured = 0, means: own }) =>
    [...own.values()].some(({ n }) => n < measured),
  );
  return { rows, metrics, hidden: known.length - metrics.length, clientsDiffer };
}

/** Metrics in the order in which people want them: the primary one, those that the task describes, the others. */
export function orderMetrics(metrics: Iterable<string>, description: TrialDescription): string[] {
  const { primary } = description;
  const places = new Map(Object.keys(description.metrics).map((metric, place) => [metric, place]));
  const placeOf = (metric: string) =>
    metric === primary ? -1 : (places.get(metric) ?? places.size);
  return [...metrics].sort((a, b) => placeOf(a) - placeOf(b));
}
