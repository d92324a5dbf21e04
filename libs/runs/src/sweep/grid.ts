import type { Measures } from "@fedclair/core";
import type { Summary } from "../measures/summary.js";
import type { Dimension } from "./expand.js";

/** A measure that the tables show. */
export interface SweepMeasure {
  /**
   * A name of the summary, such as `accuracy.fedavg`. Without an arm, such as `accuracy`, it is
   * that of each trial's main arm, so that aggregators can be a dimension.
   */
  readonly measure: string;
  /** Default: derived from the measure's description. */
  readonly worse?: "low" | "high" | undefined;
}

/** What tables and reports need to know about the trials of a sweep. */
export interface Grid {
  readonly name: string;
  readonly claim: string | undefined;
  readonly dimensions: readonly Dimension[];
  readonly rows: Dimension | undefined;
  readonly columns: Dimension | undefined;
  /** Do the tables have a column with the worst mean of each row? Default: no. */
  readonly hasWorstColumn?: boolean;
  /** How outcomes of differences are corrected for many comparisons. Default: not at all. */
  readonly correction?: "holm" | undefined;
  /** Sentences about the trial files that belong under the tables. Default: none. */
  readonly notes?: readonly string[];
  /** Empty for the default: see `sweepTables`. */
  readonly measures: readonly SweepMeasure[];
  readonly trials: readonly GridTrial[];
}

/** One trial of a grid. */
export interface GridTrial {
  /** A hash of everything that the trial's numbers depend on, except the backend. */
  readonly id: string;
  /** The name of its run folder within the folder of the sweep, such as `clair-seed-3`. */
  readonly folder: string;
  readonly seed: number;
  /** The label of each dimension's value, by the dimension's path. */
  readonly at: ReadonlyMap<string, string>;
  /** The main arm first. */
  readonly arms: readonly GridArm[];
  readonly measures: Measures;
}

/** A trial with its summary, if it is finished. */
export interface MeasuredTrial extends GridTrial {
  readonly summary: Summary | undefined;
}

/** A grid with the summaries of its finished trials. */
export interface MeasuredGrid extends Grid {
  readonly trials: readonly MeasuredTrial[];
}

/** Lists the summaries of the finished trials. */
export function listSummaries(trials: readonly MeasuredTrial[]): readonly Summary[] {
  return trials.flatMap(({ summary }) => summary ?? []);
}

/** An arm of a trial. */
export interface GridArm {
  readonly label: string;
  /** Is it an oracle, which leaves the contaminated clients out? */
  readonly benignOnly: boolean;
}

/** Tables show means over this dimension. */
export const seedPath = "seed";

/** If trials differ in this dimension, its values are the methods that are compared. */
export const methodPath = "aggregator";

/** The dimension of compared studies, by their names. */
export const studyPath = "study";

/** Lists the dimensions in which trials differ by more than their seed. */
export function otherDimensions({ dimensions }: Pick<Grid, "dimensions">): readonly Dimension[] {
  return dimensions.filter(({ path }) => path !== seedPath);
}

/** Trials that differ only by their seed. */
export interface Study<T extends GridTrial = GridTrial> {
  /** The label of each other dimension's value, by the dimension's path. */
  readonly at: ReadonlyMap<string, string>;
  readonly trials: readonly [T, ...T[]];
}

export type MeasuredStudy = Study<MeasuredTrial>;

/** Groups the trials of a sweep by everything but the seed, in their order. */
export function listStudies<T extends GridTrial>({
  dimensions,
  trials,
}: Pick<Grid, "dimensions"> & { readonly trials: readonly T[] }): Study<T>[] {
  const others = otherDimensions({ dimensions });
  const studies = new Map<string, { at: Map<string, string>; trials: [T, ...T[]] }>();
  for (const trial of trials) {
    const at = new Map(others.map(({ path }) => [path, trial.at.get(path) ?? ""]));
    const key = JSON.stringify([...at.values()]);
    const study = studies.get(key);
    if (study) study.trials.push(trial);
    else studies.set(key, { at, trials: [trial] });
  }
  return [...studies.values()];
}

/** Formats the place of a trial or a study in the grid, such as `clair, label-flip`. */
export function formatPlace(at: ReadonlyMap<string, string>): string {
  return [...at]
    .map(([path, label]) => (/^[-+.\d]|^(true|false)$/.test(label) ? `${path} ${label}` : label))
    .join(", ");
}
