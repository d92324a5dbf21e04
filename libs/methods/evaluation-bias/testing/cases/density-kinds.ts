import { UserError } from "@fedclair/core";
import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import {
  beta,
  exponential,
  gaussian,
  gaussianMixture,
  laplace,
  pareto,
  getRisk,
  truncatedNormal,
  uniform,
  type Density,
} from "../../src/model/densities.js";
import {
  computeEntropy,
  evaluateDensity,
  createTruth,
  type Evaluation,
} from "../../src/model/evaluate-density.js";
import { reduceSkew, shiftTau } from "../../src/model/interventions.js";
import { ModelError } from "../../src/model/model-error.js";
import { select, type SelectionOutcome } from "../../src/model/selection.js";
import { compareAll, readLoss, failUnknownFields, createTolerances } from "./checks.js";
import { runSelectionRows, readSetting } from "./selection-rows.js";

/**
 * Checks kind density: the evaluation of a group, its moments, values at points, and its effect on
 * a selection.
 */
export function runDensity(testCase: Fields, report: Report, tolerances: Fields): void {
  failUnknownFields(report, testCase, ["id", "kind", "density", "loss", "alpha", "tau", "expect"]);
  const density = readDensity(testCase.density);
  const loss = readLoss(testCase.loss);
  const [alpha, tau] = [asNumber(testCase.alpha, "alpha"), asNumber(testCase.tau, "tau")];
  const { selection, error, ...expect } = asFields(testCase.expect, "expect");
  const evaluation = attempt(() => evaluateDensity(density, loss, alpha, tau));
  if (evaluation instanceof ModelError || error !== undefined) {
    const got = evaluation instanceof ModelError ? evaluation.code : undefined;
    report.equal("error", got, error);
    return;
  }
  const risk = getRisk(density, loss);
  const pairs = (field: string, value: (x: number) => number) => () =>
    asList(expect[field], field).map((pair) => {
      const x = asNumber(asList(pair, field)[0], field);
      return [x, value(x)];
    });
  const { gamma, lnZ, mean, variance, meanUnder, meanOver } = evaluation;
  compareAll(
    report,
    expect,
    {
      true_entropy: () => computeEntropy(density),
      gamma: () => gamma,
      lnZ: () => lnZ,
      mean: () => mean,
      var: () => variance,
      risk: () => evaluation.risk,
      meanU: () => meanUnder,
      meanO: () => meanOver,
      U: pairs("U", (x) => risk(x).under),
      O: pairs("O", (x) => risk(x).over),
      pdf: pairs("pdf", (x) => evaluation.pdf(x)),
    },
    createTolerances(tolerances),
  );
  if (selection === undefined) return;
  const truth = createTruth(density);
  const observed = evaluation.distribution();
  runSelectionRows(selection, report, tolerances, (row): SelectionOutcome => {
    const { rule, arg, ...others } = row;
    if (rule !== "reduceSkew" && rule !== "shiftTau") {
      return select(truth, observed, readSetting(row));
    }
    const rho = asNumber(arg, "arg");
    const changed =
      rule === "reduceSkew"
        ? reduceSkew({ alpha, tau }, rho)
        : shiftTau({ alpha, tau }, rho, computeEntropy(density));
    const after = evaluateDensity(density, loss, changed.alpha, changed.tau);
    return select(truth, after.distribution(), readSetting({ ...others, rule: "none" }));
  });
}

/** Checks kind curve: moments over a grid of (alpha, tau). */
export function runCurve(testCase: Fields, report: Report, tolerances: Fields): void {
  failUnknownFields(report, testCase, ["id", "kind", "density", "loss", "columns", "expect"]);
  const density = readDensity(testCase.density);
  const loss = readLoss(testCase.loss);
  const columns = asList(testCase.columns, "columns").map(String);
  const { rows, ...others } = asFields(testCase.expect, "expect");
  failUnknownFields(report, others, [], "expect.");
  const tolerance = createTolerances(tolerances)("rows");
  asList(rows, "rows").forEach((row, i) => {
    const fields = new Map(asList(row, "row").map((value, k) => [columns[k] ?? "surplus", value]));
    const alpha = asNumber(fields.get("alpha"), "alpha");
    const tau = asNumber(fields.get("tau"), "tau");
    const { gamma, mean, variance } = evaluateDensity(density, loss, alpha, tau);
    const results = { alpha, tau, gamma, mean, var: variance };
    const computed = Object.entries(results).map(([name, value]) => [name, () => value] as const);
    const path = `rows[${i}].`;
    compareAll(
      report,
      Object.fromEntries(fields),
      Object.fromEntries(computed),
      () => tolerance,
      path,
    );
  });
}

function attempt(run: () => Evaluation): Evaluation | ModelError {
  try {
    return run();
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}

type Parameters = (name: string) => number;

const densities: Readonly<
  Record<string, readonly [readonly string[], (at: Parameters) => Density]>
> = {
  gaussian: [["m", "sigma"], (at) => gaussian(at("m"), at("sigma"))],
  uniform: [["a", "b"], (at) => uniform(at("a"), at("b"))],
  pareto: [["beta"], (at) => pareto(at("beta"))],
  exponential: [["lambda"], (at) => exponential(at("lambda"))],
  laplace: [["m", "b"], (at) => laplace(at("m"), at("b"))],
  beta: [["p", "q"], (at) => beta(at("p"), at("q"))],
  truncnorm: [
    ["m", "sigma", "a", "b"],
    (at) => truncatedNormal(at("m"), at("sigma"), at("a"), at("b")),
  ],
};

/**
 * Reads a density such as `{ "kind": "gaussian", "m", "sigma" }`; a mixture has lists of weights, m
 * and sigma.
 */
function readDensity(value: unknown): Density {
  const { kind, ...parameters } = asFields(value, "density");
  if (kind === "mixture") return mixtureOf(parameters);
  const [names, make] = densities[String(kind)] ?? [];
  if (names === undefined || make === undefined) {
    const known = [...Object.keys(densities), "mixture"].join(", ");
    throw new UserError(`density.kind: expected ${known}, got ${String(kind)}`);
  }
  const surplus = Object.keys(parameters).find((name) => !names.includes(name));
  if (surplus !== undefined) throw new UserError(`density.${surplus}: no such parameter`);
  return make((name) => asNumber(parameters[name], `density.${name}`));
}

function mixtureOf({ weights, m, sigma, ...others }: Fields): Density {
  const surplus = Object.keys(others)[0];
  if (surplus !== undefined) throw new UserError(`density.${surplus}: no such parameter`);
  const at = (list: unknown, name: string, i: number) => asNumber(asList(list, name)[i], name);
  return gaussianMixture(
    asList(weights, "density.weights").map((weight, i) => ({
      weight: asNumber(weight, "density.weights"),
      mean: at(m, "density.m", i),
      sd: at(sigma, "density.sigma", i),
    })),
  );
}
