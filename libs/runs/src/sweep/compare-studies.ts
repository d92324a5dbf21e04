import type { Measures } from "@fedclair/core";
import type { Summary } from "../measures/summary.js";
import type { Run } from "../run/read-run.js";
import { formatPlace, listStudies, type Grid, type GridArm, type GridTrial } from "./grid.js";
import { nameForMain } from "./measures.js";
import { computeGridResults, type SweepResults } from "./results.js";

/** A study to compare with others: runs that differ only by their seed. */
export interface ComparedStudy {
  /** A name of its own. */
  readonly name: string;
  /** The main arm first. */
  readonly arms: readonly GridArm[];
  readonly measures: Measures;
  readonly runs: readonly { readonly seed: number; readonly summary: Summary }[];
}

/**
 * Lists the studies of a sweep, each named after the sweep and the study's place in it.
 * @param summaries of finished trials, by id
 */
export function listComparedStudies<T extends GridTrial>(
  name: string,
  grid: Pick<Grid, "dimensions"> & { readonly trials: readonly T[] },
  summaries: ReadonlyMap<string, Summary>,
): (ComparedStudy & { readonly trials: readonly [T, ...T[]] })[] {
  return listStudies(grid).map(({ at, trials }) => {
    const [{ arms, measures }] = trials;
    const place = formatPlace(at);
    const runs = trials.flatMap(({ id, seed }) => {
      const summary = summaries.get(id);
      return summary ? [{ seed, summary }] : [];
    });
    return { name: place === "" ? name : `${name}: ${place}`, arms, measures, runs, trials };
  });
}

/** Makes a study of one seed of a single run. */
export function studyOfRun(
  name: string,
  { arms, summary, trial, description }: Pick<Run, "arms" | "summary" | "trial" | "description">,
): ComparedStudy {
  const { metrics, primary } = description;
  const measures = { metrics, ...(primary !== undefined && { primary }) };
  return { name, arms, measures, runs: [{ seed: trial.seed, summary }] };
}

/** Numbers the studies if two of them have the same name. */
export function nameApart<T extends ComparedStudy>(studies: readonly T[]): readonly T[] {
  if (new Set(studies.map(({ name }) => name)).size === studies.length) return studies;
  return studies.map((one, i) => ({ ...one, name: `${one.name} #${i + 1}` }));
}

/** The dimension that the studies differ in. */
const path = "study";

/**
 * Compares studies of any origin as if they were one sweep, with a column for each. Measures of
 * main arms are compared whatever the arms are called, and differences are paired by seed.
 */
export function compareStudies(studies: readonly ComparedStudy[]): SweepResults {
  const dimension = { path, labels: studies.map(({ name }) => name) };
  const trials = studies.flatMap(({ name, arms, measures, runs }, i) =>
    runs.map(({ seed, summary }) => {
      const id = `${i} ${seed}`;
      return { id, folder: id, seed, at: new Map([[path, name]]), arms, measures, summary };
    }),
  );
  const names = trials.flatMap(({ summary, arms }) =>
    summary.details.map((one) => nameForMain(one, arms[0]?.label)),
  );
  return computeGridResults({
    name: dimension.labels.join(" and "),
    claim: undefined,
    dimensions: [dimension],
    rows: undefined,
    columns: dimension,
    measures: [...new Set(names)].map((measure) => ({ measure })),
    trials,
  });
}
