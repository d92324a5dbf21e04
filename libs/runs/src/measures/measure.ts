import type { MetricInfo, Metrics } from "@fedclair/core";

/** The kinds of measures, each with the word that its names begin with. */
const scopes = {
  /** Measured by clients on their own data in the last round. */
  clients: undefined,
  /** Measured by the coordinator in the last round. */
  global: "global",
  /** Verdicts compared with the truth. */
  detection: "detection",
  /** Traffic. */
  bytes: "bytes",
  /** Answers of clients that never arrived. */
  lost: "clients",
  /** Simulated time. */
  time: "time",
  /** When the trial's target was reached. */
  target: "target",
  /** What clients chose on held-back data. */
  refinement: "refinement",
  /** The largest value that a mod reported for a client. */
  mods: "mods",
} as const;

/** One number that a run reports, with its meaning. */
export interface Measure {
  /**
   * The name used by `expect.measures` of a trial file, `sweep.measures` and `summary.json`. It is
   * built by `createMeasure`.
   */
  readonly name: string;
  readonly scope: keyof typeof scopes;
  readonly metric: string;
  /** Default: the main arm. */
  readonly arm?: string;
  /** Present if the arm is compared with another one: the difference or the quotient. */
  readonly comparison?: { readonly kind: "gainOver" | "ratioTo"; readonly arm: string };
  /** Present if a recall covers only the clients under this attack. */
  readonly attack?: string;
  /** Present if a mod reported the number. */
  readonly mod?: string;
  readonly value: number;
  /** Number of clients, rounds or answers that the value is computed from. */
  readonly n?: number;
  /** Absent if neither direction is better, or if the metric has no description. */
  readonly better?: "higher" | "lower";
  readonly unit?: string;
}

/** Adds the name to a measure. Names are built only here and never parsed. */
export function createMeasure(measure: Omit<Measure, "name">): Measure {
  return { name: buildMeasureName(measure), ...measure };
}

function buildMeasureName({
  scope,
  metric,
  arm,
  comparison,
  attack,
  mod,
}: Omit<Measure, "name">): string {
  const own = scope === "time" ? undefined : metric;
  const suffix = comparison ? [comparison.kind, comparison.arm] : [arm];
  const parts = [scopes[scope], mod, own, ...suffix, attack];
  return parts.filter((part) => part !== undefined).join(".");
}

/** Descriptions of metrics by name. */
export type MetricInfos = Readonly<Record<string, MetricInfo>>;

/** Returns the parts of a metric's description that its measures inherit. */
export function meaningOf(metric: string, infos: MetricInfos): Pick<Measure, "better" | "unit"> {
  const { better, unit } = ownProperty(infos, metric) ?? {};
  return { ...(better && { better }), ...(unit !== undefined && { unit }) };
}

/**
 * Reads an object's own property whose name comes from outside. A plain lookup of `constructor`
 * would return an inherited value.
 */
export function ownProperty<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Reads a metric of a client or of the coordinator. Returns undefined if it was not measured. */
export function readMetric(metrics: Metrics | undefined, name: string): number | undefined {
  return metrics && ownProperty(metrics, name);
}
