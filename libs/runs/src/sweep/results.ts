import type { Summary } from "../measures/summary.js";
import { listDifferences, type Difference } from "./differences.js";
import { describeModels, listFindings, type Finding } from "./findings.js";
import type { Grid } from "./grid.js";
import { listHighlights, type Highlight } from "./highlights.js";
import { sweepTables, type Table } from "./table.js";

/** The results of a sweep or study, as `summary.json` in its folder has them. */
export interface SweepResults {
  readonly name: string;
  readonly claim?: string;
  /** Number of trials. */
  readonly trials: number;
  /** Number of trials with numbers. */
  readonly finished: number;
  readonly seeds: readonly number[];
  readonly tables: readonly Table[];
  readonly differences: readonly Difference[];
  /** What matters most, in a few sentences. */
  readonly highlights: readonly Highlight[];
  readonly findings: readonly Finding[];
  /** Present if methods with personal models are compared with methods with a shared one. */
  readonly models?: string;
}

/** Computes the results of a sweep. @param summaries of finished trials, by id */
export function computeResults(grid: Grid, summaries: ReadonlyMap<string, Summary>): SweepResults {
  const { name, claim, trials } = grid;
  const models = describeModels(grid, summaries);
  const differences = listDifferences(grid, summaries);
  return {
    name,
    ...(claim !== undefined && { claim }),
    trials: trials.length,
    finished: trials.filter(({ id }) => summaries.has(id)).length,
    seeds: [...new Set(trials.map(({ seed }) => seed))],
    tables: sweepTables(grid, summaries),
    differences,
    highlights: listHighlights(grid, summaries, differences),
    findings: listFindings(grid, summaries, differences),
    ...(models !== undefined && { models }),
  };
}
