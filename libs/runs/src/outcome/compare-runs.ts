import { leafValues } from "../words/leaf-values.js";
import { noDescription } from "../measures/description.js";
import { meanInterval, type MeanEstimate } from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import type { Run } from "../run/read-run.js";
import { explainModels } from "../sweep/findings.js";
import { nameForMain } from "../sweep/measures.js";
import { verdictSentence } from "./verdict.js";

/**
 * Several runs for comparison. Values are in the order of the runs, and undefined if a run has
 * none.
 */
export interface RunComparison {
  readonly names: readonly string[];
  /**
   * Keys whose values differ between the trials, such as `aggregator.rank`, with the values as
   * JSON.
   */
  readonly differences: readonly {
    readonly path: string;
    readonly values: readonly (string | undefined)[];
  }[];
  /** Do the runs differ by nothing but their seed? Then no value is better than another. */
  readonly areSeeds: boolean;
  /** Present if runs with personal models are compared with runs with a shared one. */
  readonly models?: string;
  readonly measures: readonly ComparedMeasure[];
  /** The result of each run in a sentence, as `fedclair show` has it. */
  readonly verdicts: readonly string[];
}

interface ComparedMeasure {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  /** Indices of the best values. Empty if no direction is better, or if all values are equal. */
  readonly best: ReadonlySet<number>;
  /** Present if the runs differ only by their seed and all have the measure. */
  readonly estimate?: MeanEstimate;
}

/** Keys that do not make a run another experiment. */
const seedKeys = new Set(["seed", "name", "claim"]);

/** Compares the trials and measures of several runs. @param runs by display name */
export function compareRuns(runs: ReadonlyMap<string, Run>): RunComparison {
  const all = [...runs.values()];
  // Main arms with different labels are compared with each other, like those of studies.
  const hasOneLabel = new Set(all.map(({ arms }) => arms[0].label)).size === 1;
  const measured = all.map(({ arms, summary }) => {
    const nameOf = (one: Measure) => (hasOneLabel ? one.name : nameForMain(one, arms[0].label));
    return new Map(summary.details.map((one) => [nameOf(one), one]));
  });
  const names = new Set(measured.flatMap((own) => [...own.keys()]));
  const differences = listTrialDifferences(all.map(({ trial }) => trial));
  const seeds = new Set(all.map(({ trial }) => trial.seed));
  const areSeeds =
    seeds.size === all.length &&
    differences.every(({ path }) => seedKeys.has(path.split(".")[0] ?? ""));
  const models = explainModels(
    [...runs].map(([name, { arms, summary }]) => {
      return { name, isPersonal: summary.personal?.includes(arms[0].label) ?? false };
    }),
    all[0]?.description ?? noDescription,
  );
  return {
    names: [...runs.keys()],
    differences,
    areSeeds,
    ...(models !== undefined && { models }),
    measures: [...names].map((name) =>
      compareMeasure(
        name,
        measured.map((own) => own.get(name)),
        areSeeds,
      ),
    ),
    verdicts: all.map(verdictSentence),
  };
}

/** Lists the keys whose values differ between trials, with the values as JSON. */
export function listTrialDifferences(trials: readonly object[]): RunComparison["differences"] {
  const leaves = trials.map((trial) => new Map(leafValues(trial)));
  const paths = new Set(leaves.flatMap((own) => [...own.keys()]));
  return [...paths]
    .map((path) => ({ path, values: leaves.map((own) => own.get(path)) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** @param details of each run; undefined if it lacks the measure */
function compareMeasure(
  name: string,
  details: readonly (Measure | undefined)[],
  areSeeds: boolean,
): ComparedMeasure {
  const values = details.map((one) => one?.value);
  const defined = values.filter((value) => value !== undefined);
  if (areSeeds) {
    const isComplete = defined.length === values.length;
    return {
      name,
      values,
      best: new Set(),
      ...(isComplete && { estimate: meanInterval(defined) }),
    };
  }
  const better = details.find((one) => one?.better)?.better;
  const best = better === "higher" ? Math.max(...defined) : Math.min(...defined);
  const hasBest = better !== undefined && new Set(defined).size > 1;
  const places = values.flatMap((value, i) => (hasBest && value === best ? [i] : []));
  return { name, values, best: new Set(places) };
}
