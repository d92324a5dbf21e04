import { join } from "node:path";
import type { Measures } from "@fedclair/core";
import type { Summary } from "../measures/summary.js";
import type { Run } from "../run/read-run.js";
import { readRunTrial } from "../store/read-trial.js";
import { leafValues } from "../words/leaf-values.js";
import {
  formatPlace,
  listStudies,
  studyPath,
  type Grid,
  type GridArm,
  type GridTrial,
} from "./grid.js";
import { nameForMain } from "./measures.js";
import { computeGridResults, type SweepResults } from "./results.js";

/** A study to compare with others: runs that differ only by their seed. */
export interface ComparedStudy {
  /** A name of its own. */
  readonly name: string;
  /** A trial of it; undefined if none has begun. */
  readonly trial: object | undefined;
  /** The main arm first. */
  readonly arms: readonly GridArm[];
  readonly measures: Measures;
  readonly runs: readonly { readonly seed: number; readonly summary: Summary }[];
  /** The run, if it is a single one and no study of its own. */
  readonly run?: Run;
}

/** The results of studies beside each other. */
export interface StudyComparison extends SweepResults {
  /** Keys in which the trials differ, each with the value of every study as JSON. */
  readonly trialDifferences: readonly {
    readonly path: string;
    readonly values: readonly (string | undefined)[];
  }[];
}

/**
 * Lists the studies of a sweep, each named after the sweep and the study's place in it.
 * @param folder of the sweep
 * @param summaries of finished trials, by id
 */
export function listComparedStudies(
  name: string,
  folder: string,
  grid: Pick<Grid, "dimensions" | "trials">,
  summaries: ReadonlyMap<string, Summary>,
): ComparedStudy[] {
  return listStudies(grid).map(({ at, trials }) => {
    const [{ arms, measures }] = trials;
    const place = formatPlace(at);
    const runs = trials.flatMap(({ id, seed }) => {
      const summary = summaries.get(id);
      return summary ? [{ seed, summary }] : [];
    });
    const trial = readTrialOf(folder, trials);
    return { name: place === "" ? name : `${name}: ${place}`, trial, arms, measures, runs };
  });
}

/** Reads the trial of the first run of a study that has begun. */
function readTrialOf(folder: string, trials: readonly GridTrial[]): object | undefined {
  for (const { folder: name } of trials) {
    try {
      return readRunTrial(join(folder, name)).trial;
    } catch {
      // A waiting run has none; the next one may.
    }
  }
  return undefined;
}

/** Makes a study of one seed of a single run. */
export function studyOfRun(name: string, run: Run): ComparedStudy {
  const { arms, summary, trial, description } = run;
  const { metrics, primary } = description;
  const measures = { metrics, ...(primary !== undefined && { primary }) };
  return { name, trial, arms, measures, runs: [{ seed: trial.seed, summary }], run };
}

/** Numbers the studies if two of them have the same name. */
export function nameApart<T extends ComparedStudy>(studies: readonly T[]): readonly T[] {
  if (new Set(studies.map(({ name }) => name)).size === studies.length) return studies;
  return studies.map((one, i) => ({ ...one, name: `${one.name} #${i + 1}` }));
}

/**
 * Compares studies of any origin as if they were one sweep, with a column for each. Measures of
 * main arms are compared whatever the arms are called, and differences are paired by seed.
 */
export function compareStudies(studies: readonly ComparedStudy[]): StudyComparison {
  const dimension = { path: studyPath, labels: studies.map(({ name }) => name) };
  const trials = studies.flatMap(({ name, arms, measures, runs }, i) =>
    runs.map(({ seed, summary }) => {
      const id = `${i} ${seed}`;
      return { id, folder: id, seed, at: new Map([[studyPath, name]]), arms, measures, summary };
    }),
  );
  const names = trials.flatMap(({ summary, arms }) =>
    summary.details.map((one) => nameForMain(one, arms[0]?.label)),
  );
  const results = computeGridResults({
    name: dimension.labels.join(" and "),
    claim: undefined,
    dimensions: [dimension],
    rows: undefined,
    columns: dimension,
    measures: [...new Set(names)].map((measure) => ({ measure })),
    trials,
  });
  return { ...results, trialDifferences: listTrialDifferences(studies) };
}

/** Lists the keys in which trials differ. Among studies over seeds, the seed is none of them. */
function listTrialDifferences(
  studies: readonly ComparedStudy[],
): StudyComparison["trialDifferences"] {
  const isOverSeeds = studies.some(({ runs }) => runs.length > 1);
  const leaves = studies.map(
    ({ trial }) => new Map(leafValues({ ...trial, ...(isOverSeeds && { seed: undefined }) })),
  );
  const paths = new Set(leaves.flatMap((own) => [...own.keys()]));
  return [...paths]
    .map((path) => ({ path, values: leaves.map((own) => own.get(path)) }))
    .filter(({ values }) => new Set(values).size > 1);
}
