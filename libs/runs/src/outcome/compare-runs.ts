import type { Run } from "../run.js";

/** Runs side by side. Values stand in the order of the runs; undefined where a run has none. */
export interface RunComparison {
  readonly names: readonly string[];
  /** Keys of the trials that are not the same in all, as `aggregator.rank`, with their values as JSON. */
  readonly differences: readonly {
    readonly path: string;
    readonly values: readonly (string | undefined)[];
  }[];
  readonly measures: readonly ComparedMeasure[];
}

export interface ComparedMeasure {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  /** Which of the values are the best; none where it is not known which end is better, or all are alike. */
  readonly best: ReadonlySet<number>;
}

/** What differs between runs: in their trials, and in what they measured. @param runs by what people call them */
export function compareRuns(runs: ReadonlyMap<string, Run>): RunComparison {
  const all = [...runs.values()];
  const trials = all.map(({ trial }) => new Map(leafValues(trial)));
  const paths = new Set(trials.flatMap((own) => [...own.keys()]));
  const rows = [...paths].map((path) => ({ path, values: trials.map((own) => own.get(path)) }));
  const names = new Set(all.flatMap(({ summary }) => Object.keys(summary.measures)));
  return {
    names: [...runs.keys()],
    differences: rows.filter(({ values }) => new Set(values).size > 1),
    measures: [...names].map((name) => compared(name, all)),
  };
}

function compared(name: string, runs: readonly Run[]): ComparedMeasure {
  const details = runs.map(({ summary }) => summary.details.find((one) => one.name === name));
  const values = details.map((one) => one?.value);
  const known = values.filter((value) => value !== undefined);
  const better = details.find((one) => one?.better)?.better;
  const best = better === "higher" ? Math.max(...known) : Math.min(...known);
  const isTelling = better !== undefined && new Set(known).size > 1;
  const places = values.flatMap((value, i) => (isTelling && value === best ? [i] : []));
  return { name, values, best: new Set(places) };
}

/** Every value of a tree that is no mapping and no list, as [path, JSON]. @param path of the tree, by keys */
export function* leafValues(
  value: unknown,
  path: readonly string[] = [],
): Generator<[string, string]> {
  if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* leafValues(inner, [...path, key]);
  } else if (value !== undefined) yield [path.join("."), JSON.stringify(value)];
}
