import type { Measures } from "@fedclair/core";
import type { Summary } from "../summary.js";
import type { Grid, GridArm, GridTrial } from "./grid.js";
import { computeResults, type SweepResults } from "./results.js";

/** A study to compare with others: runs that differ only by their seed. */
export interface ComparedStudy {
  /** A name of its own. */
  readonly name: string;
  /** The main arm first. */
  readonly arms: readonly GridArm[];
  readonly measures: Measures;
  readonly runs: readonly { readonly seed: number; readonly summary: Summary }[];
}

/** The dimension that the studies differ in. */
const path = "study";

/**
 * Compares studies of any origin as if they were one sweep, with a column for each. Measures of
 * main arms are compared whatever the arms are called, and differences are paired by seed.
 */
export function compareStudies(studies: readonly ComparedStudy[]): SweepResults {
  const dimension = { path, labels: studies.map(({ name }) => name) };
  const summaries = new Map<string, Summary>();
  const trials = studies.flatMap(({ name, arms, measures, runs }, i) =>
    runs.map(({ seed, summary }): GridTrial => {
      const id = `${i} ${seed}`;
      summaries.set(id, summary);
      return { id, folder: id, seed, at: new Map([[path, name]]), arms, measures };
    }),
  );
  const names = trials.flatMap(({ id, arms }) =>
    (summaries.get(id)?.details ?? []).map(({ name, scope, metric, arm, comparison }) => {
      const isOfMain = arm === arms[0]?.label && comparison === undefined;
      if (scope === "clients" && isOfMain) return metric;
      return scope === "global" && isOfMain ? `global.${metric}` : name;
    }),
  );
  const grid: Grid = {
    name: dimension.labels.join(" and "),
    claim: undefined,
    dimensions: [dimension],
    rows: undefined,
    columns: dimension,
    measures: [...new Set(names)].map((measure) => ({ measure })),
    trials,
  };
  return computeResults(grid, summaries);
}
