import { UserError } from "@fedclair/core";
import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { createScoreModel, type ScoreModel } from "../../src/federation/basis.js";
import { listEdges, smooth, trimmedPmf, type ScoreBins } from "../../src/federation/grid.js";
import {
  fitColumn,
  computeMoments,
  poolMoments,
  type PanelMoments,
} from "../../src/federation/moments.js";
import { detectOutsiders, toNoisyMatrix } from "../../src/federation/subspace-detector.js";
import { normalise } from "../../src/model/evaluate-histogram.js";
import { histogramDistribution } from "../../src/model/score-distribution.js";
import { select } from "../../src/model/selection.js";
import { sum } from "@fedclair/linalg";
import {
  compareAll,
  readLoss,
  failUnknownFields,
  createTolerances,
  type Results,
} from "./checks.js";
import { runSelectionRows, readSetting } from "./selection-rows.js";

/**
 * Checks kind federated: a whole federation from the institutions' counts. The field `truth`
 * describes how they were created and is not read.
 */
export function runFederated(testCase: Fields, report: Report, tolerances: Fields): void {
  failUnknownFields(report, testCase, [
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
  const admitted = institutions.filter((_, c) => detection.flagged[c] === false);
  const fits = panels.map((j) => fitColumn(model, poolMoments(admitted, j)));
  const { selection, ...expect } = asFields(testCase.expect, "expect");
  const results: Results = {
    reference_pmf: () => model.reference,
    rank: () => detection.rank,
    floor: () => detection.floor,
    residual: () => detection.residuals,
    flagged: () => [...detection.flagged.keys()].filter((c) => detection.flagged[c] === true),
    ...createNumbered(expect, "basis_row", (k) => getRow(model, k - 1)),
    ...createNumbered(expect, "matrix_client", (c) => institutions[c]?.matrix.toRows()),
  };
  const toleranceOf = createTolerances(tolerances);
  const { pooled: expectedFits, naive: expectedNaive, ...others } = expect;
  compareAll(report, others, results, toleranceOf);
  const compareFits = (name: string, rows: unknown, got: readonly { readonly alpha: number }[]) => {
    asList(rows ?? [], name).forEach((row, j) => {
      const entries = Object.entries(got[j] ?? {}).map(
        ([key, value]) => [key, (): unknown => value] as const,
      );
      compareAll(
        report,
        asFields(row, name),
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
    panels.map((j) => fitColumn(naiveModel.model, poolMoments(naiveModel.institutions, j))),
  );
  if (selection === undefined) return;
  const edges = listEdges(model.grid);
  const truth = histogramDistribution(model.reference, edges);
  runSelectionRows(selection, report, tolerances, (row) => {
    const fit = fits[asNumber(row.panel, "panel")];
    if (fit === undefined) throw new UserError(`selection: no panel ${String(row.panel)}`);
    return select(truth, histogramDistribution(fit.pmf, edges), readSetting(row));
  });
}

function federationOf(testCase: Fields, report: Report) {
  const { trim, pseudo, K, max_rank, slack, factor, floor_factor, ...surplus } = asFields(
    testCase.settings,
    "settings",
  );
  failUnknownFields(report, surplus, [], "settings.");
  const { lo, hi, bins } = asFields(testCase.grid, "grid");
  const grid: ScoreBins = {
    lo: asNumber(lo, "grid.lo"),
    hi: asNumber(hi, "grid.hi"),
    bins: asNumber(bins, "grid.bins"),
  };
  const clients = asList(testCase.clients, "clients").map((entry, c) => {
    const { reference_counts, panel_counts, ...others } = asFields(entry, `clients[${c}]`);
    failUnknownFields(report, others, [], `clients[${c}].`);
    return {
      reference: countsOf(reference_counts, grid, `clients[${c}].reference_counts`),
      panels: asList(panel_counts, "panel_counts").map((counts, j) =>
        countsOf(counts, grid, `clients[${c}].panel_counts[${j}]`),
      ),
    };
  });
  const total = sum(clients.map(({ reference }) => sum(reference)));
  const modelOf = (pmf: Float64Array): ScoreModel =>
    createScoreModel(
      smooth(pmf, total, asNumber(pseudo, "pseudo")),
      grid,
      readLoss(testCase.loss),
      asNumber(K, "K"),
    );
  const institutionsOf = (model: ScoreModel): PanelMoments[] =>
    clients.map(({ panels }) => computeMoments(model.psi, panels));
  const pmfs = clients.map(({ reference }) => normalise(reference));
  const model = modelOf(trimmedPmf(pmfs, asNumber(trim, "trim")));
  const plain = modelOf(trimmedPmf(pmfs, 0));
  const institutions = institutionsOf(model);
  const detection = detectOutsiders(institutions.map(toNoisyMatrix), {
    maxRank: asNumber(max_rank, "max_rank"),
    slack: asNumber(slack, "slack"),
    factor: asNumber(factor, "factor"),
    floorFactor: asNumber(floor_factor, "floor_factor"),
  });
  return {
    model,
    institutions,
    detection,
    naiveModel: { model: plain, institutions: institutionsOf(plain) },
    panels: [...(clients[0]?.panels.keys() ?? [])],
  };
}

function countsOf(value: unknown, { bins }: ScoreBins, name: string): Float64Array {
  const counts = Float64Array.from(asList(value, name), (n) => asNumber(n, name));
  if (counts.length === bins) return counts;
  throw new UserError(`${name}: expected ${bins} counts, got ${counts.length}`);
}

/** Creates results for fields such as `basis_row3`, from the number at their end. */
function createNumbered(expect: Fields, prefix: string, value: (n: number) => unknown): Results {
  const fields = Object.keys(expect).filter((name) => new RegExp(`^${prefix}\\d+$`).test(name));
  return Object.fromEntries(
    fields.map((name) => [name, () => value(Number(name.slice(prefix.length)))]),
  );
}

/** Returns row k of Ψ, counted from 0. */
function getRow({ psi }: ScoreModel, k: number): number[] {
  return Array.from({ length: psi.cols }, (_, b) => psi.get(k, b));
}
