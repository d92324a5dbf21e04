import type { Summary } from "../measures/summary.js";
import { listBest, type Best } from "./best.js";
import { listDifferences, type Difference } from "./differences.js";
import { describeModels, listFindings, type Finding } from "./findings.js";
import { listSummaries, type Grid, type MeasuredGrid } from "./grid.js";
import { listHighlights, type Highlight } from "./highlights.js";
import { sweepTables, type Table } from "./table.js";
import { listVerdictCounts, type VerdictCounts } from "./verdict-counts.js";

/** The results of a sweep or study, as `summary.json` in its folder has them. */
export interface SweepResults {
  readonly name: string;
  readonly claim?: string;
  readonly trials: number;
  /** Number of trials with numbers. */
  readonly finished: number;
  readonly seeds: readonly number[];
  readonly tables: readonly Table[];
  /** How each study judged clients in the last round; empty if no aggregator does. */
  readonly verdicts: readonly VerdictCounts[];
  /** Sentences about the tables, such as what is redrawn for each seed. */
  readonly notes: readonly string[];
  /** How outcomes of differences are corrected for many comparisons; absent: not at all. */
  readonly correction?: "holm";
  readonly differences: readonly Difference[];
  /** The best method under the same conditions, and those not distinguishable from it. */
  readonly best: readonly Best[];
  /** What matters most, in a few sentences. */
  readonly highlights: readonly Highlight[];
  readonly findings: readonly Finding[];
  /** Present if methods with personal models are compared with methods with a shared one. */
  readonly models?: string;
}

/** Computes the results of a sweep. @param summaries of finished trials, by id */
export function computeResults(grid: Grid, summaries: ReadonlyMap<string, Summary>): SweepResults {
  const trials = grid.trials.map((trial) => ({ ...trial, summary: summaries.get(trial.id) }));
  return computeGridResults({ ...grid, trials });
}

/** Computes results like `computeResults`. */
export function computeGridResults(grid: MeasuredGrid): SweepResults {
  const { name, claim, trials } = grid;
  const models = describeModels(grid);
  const differences = listDifferences(grid);
  const best = listBest(grid, differences);
  return {
    name,
    ...(claim !== undefined && { claim }),
    trials: trials.length,
    finished: listSummaries(trials).length,
    seeds: [...new Set(trials.map(({ seed }) => seed))],
    tables: sweepTables(grid),
    verdicts: listVerdictCounts(grid),
    notes: grid.notes ?? [],
    ...(grid.correction && { correction: grid.correction }),
    differences,
    best,
    highlights: listHighlights(grid, differences, best),
    findings: listFindings(grid, differences),
    ...(models !== undefined && { models }),
  };
}
