import type { MetricInfo, Metrics } from "@fedclair/core";

/** One number that a run reports, with its meaning. */
export interface Measure {
  /**
   * The name used by `expect.measures` of a trial file, `sweep.measures` and `summary.json`. It is
   * built by `createMeasure`.
   */
  readonly name: string;
  /**
   * The kind of measure:
   * - `clients`: measured by clients on their own data in the last round
   * - `global`: measured by the coordinator in the last round
   * - `detection`: verdicts compared with the truth
   * - `bytes`: traffic
   * - `lost`: answers of clients that never arrived
   * - `time`: simulated time
   * - `target`: when the trial's target was reached
   * - `refinement`: what clients chose on held-back data
   * - `mods`: the largest value that a mod reported for a client
   */
  readonly scope:
    | "clients"
    | "global"
    | "detection"
    | "bytes"
    | "lost"
    | "time"
    | "target"
    | "refinement"
    | "mods";
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
  const suffix = comparison ? [comparison.kind, comparison.arm] : [arm ?? []].flat();
  switch (scope) {
    case "clients":
      return [metric, ...suffix].join(".");
    case "global":
      return ["global", metric, ...suffix].join(".");
    case "detection":
      return ["detection", metric, attack ?? []].flat().join(".");
    case "bytes":
      return ["bytes", metric].join(".");
    case "lost":
      return ["clients", metric, ...suffix].join(".");
    case "time":
      return ["time", ...suffix].join(".");
    case "target":
      return ["target", metric, ...suffix].join(".");
    case "refinement":
      return ["refinement", metric].join(".");
    case "mods":
      return ["mods", mod ?? [], metric].flat().join(".");
  }
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
