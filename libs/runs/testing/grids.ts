import type { Measures } from "@fedclair/core";
import { createMeasure, type Measure } from "../src/measures/measure.js";
import type { Grid, GridTrial } from "../src/sweep/grid.js";
import type { Summary } from "../src/measures/summary.js";

/** A run of a synthetic grid: its place, and what it measured. */
export interface GridRun {
  /** The label of each dimension's value except the seed, by the dimension's path. */
  readonly at?: Readonly<Record<string, string>>;
  readonly seed: number;
  /** The main arm first; default: `clair`. */
  readonly arms?: readonly string[];
  readonly details: readonly Omit<Measure, "name">[];
  /** Arms with personal models. */
  readonly personal?: readonly string[];
}

/** Creates a grid of finished runs, for tests of statistics. Rows are the first dimension. */
export function createGrid(
  runs: readonly GridRun[],
  {
    measures = [],
    task = {},
    hasWorstColumn = false,
  }: Partial<Pick<Grid, "hasWorstColumn">> & {
    readonly measures?: readonly string[];
    readonly task?: Measures;
  } = {},
): { readonly grid: Grid; readonly summaries: ReadonlyMap<string, Summary> } {
  const summaries = new Map<string, Summary>();
  const trials = runs.map(
    ({ at = {}, seed, arms = ["clair"], details, personal }, i): GridTrial => {
      const named = details.map(createMeasure);
      summaries.set(String(i), {
        name: "grid",
        seed,
        arms,
        stopped: {},
        ...(personal && { personal }),
        measures: Object.fromEntries(named.map(({ name, value }) => [name, value])),
        details: named,
      });
      return {
        id: String(i),
        folder: `run-${i}`,
        seed,
        at: new Map([["seed", String(seed)], ...Object.entries(at)]),
        arms: arms.map((label) => ({ label, benignOnly: label === "oracle" })),
        measures: task,
      };
    },
  );
  const paths = [...new Set(trials.flatMap(({ at }) => [...at.keys()]))];
  const dimensions = paths.map((path) => {
    return { path, labels: [...new Set(trials.map(({ at }) => at.get(path) ?? ""))] };
  });
  const [rows, columns] = dimensions.filter(({ path }) => path !== "seed");
  const listed = measures.map((measure) => ({ measure }));
  return {
    grid: {
      name: "grid",
      claim: undefined,
      dimensions,
      rows,
      columns,
      hasWorstColumn,
      measures: listed,
      trials,
    },
    summaries,
  };
}
