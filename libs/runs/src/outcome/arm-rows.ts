import type { Metrics } from "@fedclair/core";
import type { TrialDescription } from "../measures/description.js";
import {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  type ClientMean,
} from "../measures/evaluation.js";
import { ownProperty, readMetric } from "../measures/measure.js";
import { formatNumber } from "../words/numbers.js";
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
 * Formats what guessing reaches, as a row below those of the arms; none if that is not known of any
 * of the metrics.
 */
export function guessingRow(
  { summary: { guessing } }: Run,
  metrics: readonly string[],
): (readonly string[])[] {
  const cells = metrics.map((metric) => {
    const guess = readMetric(guessing, metric);
    return guess === undefined ? "" : formatNumber(guess);
  });
  return cells.some((cell) => cell !== "") ? [["guessing", "", ...cells]] : [];
}

/** The value by which an arm is compared with the others. */
export interface ArmMean {
  readonly label: string;
  readonly mean: number;
  /** The number of clients in the mean; absent if the coordinator measured. */
  readonly n?: number;
  /** Does the arm know who is benign? */
  readonly benignOnly: boolean;
}

/** The arms that can be compared by one metric. The main arm is the first, unless it stopped. */
interface PrimaryComparison {
  readonly metric: string;
  readonly means: readonly ArmMean[];
}

/**
 * Compares the arms by the task's primary metric, measured by the clients or else by the
 * coordinator. If the task has none, or nobody measured it, takes the first metric of the clients.
 */
export function comparePrimary(run: Run): PrimaryComparison | undefined {
  const { primary } = run.description;
  const { rows, metrics } = compareArms(run, 1);
  const [metric] = metrics;
  if (primary !== undefined && metric !== primary) {
    const means = readCoordinatorMeans(run, primary);
    if (means.length > 0) return { metric: primary, means };
  }
  if (metric === undefined) return undefined;
  const means = rows.flatMap(({ label, means: own }, i) => {
    const mean = own.get(metric);
    return mean ? [{ label, ...mean, benignOnly: run.arms[i]?.benignOnly === true }] : [];
  });
  return { metric, means };
}

/** Reads what the coordinator measured in the arms that did not stop and are equally far. */
function readCoordinatorMeans({ arms, last, summary }: Run, metric: string): ArmMean[] {
  const going = arms.filter(({ label }) => ownProperty(summary.stopped, label) === undefined);
  const reached = last.get(going[0]?.label ?? "")?.round;
  return going.flatMap(({ label, benignOnly }) => {
    const record = last.get(label);
    const mean = record?.round === reached ? readMetric(record?.metrics, metric) : undefined;
    return mean === undefined ? [] : [{ label, mean, benignOnly }];
  });
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
