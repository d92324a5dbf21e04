import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import {
  evaluateHistogram,
  histogramBase,
  normalise,
  totalVariation,
} from "../../src/model/evaluate-histogram.js";
import { fitHistogram } from "../../src/model/fit.js";
import { fitByGrid, computeKl } from "../grid-fit.js";
import { ModelError } from "../../src/model/model-error.js";
import { compareAll, readLoss, failUnknownFields, createTolerances } from "./checks.js";

/** Checks kind discrete: the evaluation of a pmf. */
export function runDiscrete(testCase: Fields, report: Report, tolerances: Fields): void {
  const readFields = ["id", "kind", "points", "reference_weights", "loss", "alpha", "H", "expect"];
  failUnknownFields(report, testCase, readFields);
  const base = histogramBase(
    numbersOf(testCase.points, "points"),
    numbersOf(testCase.reference_weights, "reference_weights"),
    readLoss(testCase.loss),
  );
  const [alpha, entropy] = [asNumber(testCase.alpha, "alpha"), asNumber(testCase.H, "H")];
  const { error, ...expect } = asFields(testCase.expect, "expect");
  try {
    const { gamma, pmf, mean } = evaluateHistogram(base, alpha, entropy);
    if (error !== undefined) report.equal("error", undefined, error);
    const results = {
      U: () => base.under,
      O: () => base.over,
      gamma: () => gamma,
      pmf: () => pmf,
      mean: () => mean,
    };
    compareAll(report, expect, results, createTolerances(tolerances));
  } catch (thrown) {
    if (!(thrown instanceof ModelError)) throw thrown;
    report.equal("error", thrown.code, error);
  }
}

/**
 * Checks kind fit: one group's histogram explains the other's, by the authors' grid and by maximum
 * likelihood.
 */
export function runFit(testCase: Fields, report: Report, tolerances: Fields): void {
  const readFields = [
    "id",
    "kind",
    "points",
    "scale",
    "counts_reference",
    "counts_observed",
    "loss",
    "expect",
  ];
  failUnknownFields(report, testCase, readFields);
  const scale = testCase.scale === undefined ? 1 : asNumber(testCase.scale, "scale");
  const points = numbersOf(testCase.points, "points").map((x) => x / scale);
  const reference = normalise(numbersOf(testCase.counts_reference, "counts_reference"));
  const observed = normalise(numbersOf(testCase.counts_observed, "counts_observed"));
  const base = histogramBase(points, reference, readLoss(testCase.loss));
  const results = {
    tv_data: () => totalVariation(reference, observed),
    kl_reference: () => computeKl(reference),
    grid_best: () => fitByGrid(base, observed)[0],
    grid_second_tv: () => fitByGrid(base, observed)[1]?.tv,
    alpha1_best: () => fitByGrid(base, observed, { alpha: 1 })[0],
    tau_fixed_best: () => fitByGrid(base, observed, { kl: computeKl(reference) })[0],
    mle: () => {
      const { status, alpha, gamma, tau, pmf } = fitHistogram(base, observed);
      return { status, alpha, gamma, H: tau, tv: totalVariation(pmf, observed) };
    },
  };
  compareAll(report, asFields(testCase.expect, "expect"), results, createTolerances(tolerances));
}

function numbersOf(value: unknown, name: string): number[] {
  return asList(value, name).map((entry) => asNumber(entry, name));
}
