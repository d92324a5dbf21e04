import { UserError } from "@fedclair/core";
import { fieldsOf, listOf, numberOf, type Fields, type Report } from "@fedclair/core/cases";
import { scoreModel, type ScoreModel } from "../../src/evaluation-bias/federation/basis.js";
import {
  edgesOf,
  smoothed,
  trimmedPmf,
  type Grid,
} from "../../src/evaluation-bias/federation/grid.js";
import {
  fitColumn,
  momentsOf,
  pooled,
  type PanelMoments,
} from "../../src/evaluation-bias/federation/moments.js";
import { detectOutsiders, noisy } from "../../src/evaluation-bias/federation/subspace-detector.js";
import { normalised } from "../../src/evaluation-bias/model/evaluate-histogram.js";
import { histogramDistribution } from "../../src/evaluation-bias/model/score-distribution.js";
import { select } from "../../src/evaluation-bias/model/selection.js";
import { sum } from "@fedclair/linalg";
import { compareAll, lossOf, requireKnown, tolerancesBy, type Results } from "./checks.js";
import { runSelectionRows, settingOf } from "./selection-rows.js";

/** Kind federated: a whole federation from the institutions' counts. What `truth` says of their making is for people. */
export function runFederated(testCase: Fields, report: Report, tolerances: Fields): void {
  requireKnown(report, testCase, [
    "id",
    "kind",
    "grid",
    "loss",
    "clients",
    "settings",
    "truth",
    "expect",
  ]);
  const { model, institutions, naiveModel, panels, detection } = federationOf(testCase, report);
  const kept = institutions.filter((_, c) => detection.flagged[c] === false);
  const fits = panels.map((j) => fitColumn(model, pooled(kept, j)));
  const { selection, ...expect } = fieldsOf(testCase.expect, "expect");
  const results: Results = {
    reference_pmf: () => model.reference,
    rank: () => detection.rank,
    floor: () => detection.floor,
    residual: () => detection.residuals,
    flagged: () => [...detection.flagged.keys()].filter((c) => detection.flagged[c] === true),
    ...numbered(expect, "basis_row", (k) => rowOf(model, k - 1)),
    ...numbered(expect, "matrix_client", (c) => institutions[c]?.matrix.toRows()),
  };
  const toleranceOf = tolerancesBy(tolerances);
  const { pooled: expectedFits, naive: expectedNaive, ...others } = expect;
  compareAll(report, others, results, toleranceOf);
  const compareFits = (name: string, rows: unknown, got: readonly { readonly alpha: number }[]) => {
    listOf(rows ?? [], name).forEach((row, j) => {
      const entries = Object.entries(got[j] ?? {}).map(
        ([key, value]) => [key, (): unknown => value] as const,
      );
      compareAll(
        report,
        fieldsOf(row, name),
        Object.fromEntries(entries),
        toleranceOf,
        `${name}[${j}].`,
      );
    });
  };
  compareFits("pooled", expectedFits, fits);
  compareFits(
    "naive",
    expectedNaive,
    panels.map((j) => fitColumn(naiveModel.model, pooled(naiveModel.institutions, j))),
  );
  if (selection === undefined) return;
  const edges = edgesOf(model.grid);
  const truth = histogramDistribution(model.reference, edges);
  runSelectionRows(selection, report, tolerances, (row) => {
    const fit = fits[numberOf(row.panel, "panel")];
    if (fit === undefined) throw new UserError(`selection: no panel ${String(row.panel)}`);
    return select(truth, histogramDistribution(fit.pmf, edges), settingOf(row));
  });
}

function federationOf(testCase: Fields, report: Report) {
  const { trim, pseudo, K, max_rank, slack, factor, floor_factor, ...surplus } = fieldsOf(
    testCase.settings,
    "settings",
  );
  requireKnown(report, surplus, [], "settings.");
  const { lo, hi, bins } = fieldsOf(testCase.grid, "grid");
  const grid: Grid = {
    lo: numberOf(lo, "grid.lo"),
    hi: numberOf(hi, "grid.hi"),
    bins: numberOf(bins, "grid.bins"),
  };
  const clients = listOf(testCase.clients, "clients").map((entry, c) => {
    const { reference_counts, panel_counts, ...others } = fieldsOf(entry, `clients[${c}]`);
    requireKnown(report, others, [], `clients[${c}].`);
    return {
      reference: countsOf(reference_counts, grid, `clients[${c}].reference_counts`),
      panels: listOf(panel_counts, "panel_counts").map((counts, j) =>
        countsOf(counts, grid, `clients[${c}].panel_counts[${j}]`),
      ),
    };
  });
  const total = sum(clients.map(({ reference }) => sum(reference)));
  const modelOf = (pmf: Float64Array): ScoreModel =>
    scoreModel(
      smoothed(pmf, total, numberOf(pseudo, "pseudo")),
      grid,
      lossOf(testCase.loss),
      numberOf(K, "K"),
    );
  const institutionsOf = (model: ScoreModel): PanelMoments[] =>
    clients.map(({ panels }) => momentsOf(model.psi, panels));
  const pmfs = clients.map(({ reference }) => normalised(reference));
  const model = modelOf(trimmedPmf(pmfs, numberOf(trim, "trim")));
  const plain = modelOf(trimmedPmf(pmfs, 0));
  const institutions = institutionsOf(model);
  const detection = detectOutsiders(institutions.map(noisy), {
    maxRank: numberOf(max_rank, "max_rank"),
    slack: numberOf(slack, "slack"),
    factor: numberOf(factor, "factor"),
    floorFactor: numberOf(floor_factor, "floor_factor"),
  });
  return {
    ...{ model, institutions, detection },
    naiveModel: { model: plain, institutions: institutionsOf(plain) },
    panels: [...(clients[0]?.panels.keys() ?? [])],
  };
}

function countsOf(value: unknown, { bins }: Grid, name: string): Float64Array {
  const counts = Float64Array.from(listOf(value, name), (n) => numberOf(n, name));
  if (counts.length === bins) return counts;
  throw new UserError(`${name}: expected ${bins} counts, got ${counts.length}`);
}

/** Results for fields as `basis_row3`, from the number at their end. */
function numbered(expect: Fields, prefix: string, value: (n: number) => unknown): Results {
  const fields = Object.keys(expect).filter((name) => new RegExp(`^${prefix}\\d+$`).test(name));
  return Object.fromEntries(
    fields.map((name) => [name, () => value(Number(name.slice(prefix.length)))]),
  );
}

/** Row k of Ψ, counted from 0. */
function rowOf({ psi }: ScoreModel, k: number): number[] {
  return Array.from({ length: psi.cols }, (_, b) => psi.get(k, b));
}
