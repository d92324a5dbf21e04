import type { MetricInfo, Metrics } from "@fedclair/core";

/** One number that a run shows, and what it is a number of. */
export interface Measure {
  /** By which `expect.measures` of a trial file, `sweep.measures` and `summary.json` know it: see `named`. */
  readonly name: string;
  /**
   * `clients`: what clients measured on their own data in the last round · `global`: what the coordinator measured in it ·
   * `detection`: verdicts against the truth · `bytes`: traffic · `lost`: answers of clients that never came · `time`: simulated
   * time · `target`: when the trial's target was reached · `mods`: the largest that a mod told of a client
   */
  readonly scope:
    "clients" | "global" | "detection" | "bytes" | "lost" | "time" | "target" | "mods";
  readonly metric: string;
  /** Default: the method under study. */
  readonly arm?: string;
  /** Present where the method is set against another one: the difference, or the quotient. */
  readonly comparison?: { readonly kind: "gainOver" | "ratioTo"; readonly arm: string };
  /** Of a recall: among the clients under this attack alone. */
  readonly attack?: string;
  /** Of a number that a mod told. */
  readonly mod?: string;
  readonly value: number;
  /** Over how many clients, rounds or answers it is taken. */
  readonly n?: number;
  /** Which end is better; absent where neither is, or nobody has said. */
  readonly better?: "higher" | "lower";
  readonly unit?: string;
}

/** Names are made here, and taken apart nowhere. */
export function named(measure: Omit<Measure, "name">): Measure {
  return { name: nameOf(measure), ...measure };
}

function nameOf({ scope, metric, arm, comparison, attack, mod }: Omit<Measure, "name">): string {
  const method = comparison ? [comparison.kind, comparison.arm] : [arm ?? []].flat();
  switch (scope) {
    case "clients":
      return [metric, ...method].join(".");
    case "global":
      return ["global", metric, ...method].join(".");
    case "detection":
      return ["detection", metric, attack ?? []].flat().join(".");
    case "bytes":
      return ["bytes", metric].join(".");
    case "lost":
      return ["clients", "lost", ...method].join(".");
    case "time":
      return ["time", ...method].join(".");
    case "target":
      return ["target", metric, ...method].join(".");
    case "mods":
      return ["mods", mod ?? [], metric].flat().join(".");
  }
}

/** What is known of metrics, by name. */
export type MetricInfos = Readonly<Record<string, MetricInfo>>;

/** What a measure takes over from its metric's description. */
export function meaningOf(metric: string, infos: MetricInfos): Pick<Measure, "better" | "unit"> {
  const { better, unit } = ownProperty(infos, metric) ?? {};
  return { ...(better && { better }), ...(unit !== undefined && { unit }) };
}

/** What an object has itself by a name that others chose: `constructor` is one that every object inherits. */
export function ownProperty<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** A client's or the coordinator's number; undefined where it has none. */
export function readMetric(metrics: Metrics | undefined, name: string): number | undefined {
  return metrics && ownProperty(metrics, name);
}
