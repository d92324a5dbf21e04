import { at } from "@fedclair/linalg";
import { getRisk, type Density } from "./densities.js";
import { member, type BaseMeasure } from "./family.js";
import { findGamma } from "./gamma.js";
import type { Loss } from "./losses.js";
import { ModelError, requireFiniteNumber } from "./model-error.js";
import { listNodes, createPanels, type Panels } from "./panels.js";
import { createDistribution, type ScoreDistribution } from "./score-distribution.js";

/**
 * The observed scores of a group: the optimum f_E = exp(-I/gamma)/Z of the optimisation problem,
 * and its moments.
 */
export interface Evaluation {
  readonly gamma: number;
  readonly lnZ: number;
  /** Null if the integral diverges. */
  readonly mean: number | null;
  readonly variance: number | null;
  /** Err(f_E), the mean of the risk I. */
  readonly risk: number;
  readonly meanUnder: number;
  readonly meanOver: number;
  readonly pdf: (x: number) => number;
  /** Creates the distribution on demand, because this takes a third of the time of the solution. */
  readonly distribution: () => ScoreDistribution;
  /** Interval of scores outside which there is less than 1e-34 of the mass. */
  readonly range: readonly [number, number];
}

/** exp(-80) = 2e-35: mass beyond this changes no digit. */
const reach = 80;

/** Upper end of panels in y = ln x: e^690 is about the largest float64. */
const furthest = 690;

/**
 * Minimises the mean risk ∫ I f over densities f of entropy at least `tau`, in float64 (L. E.
 * Celis, A. Kumar, A. Mehrotra, N. K. Vishnoi, Bias in Evaluation Processes: An Optimization-Based
 * Model, arXiv 2310.17489).
 * @param alpha risk-averseness > 0: the cost of an over-estimate relative to an under-estimate
 * @param tau least differential entropy of the observed scores, nats
 * @throws ModelError INFEASIBLE if no density on the support has the entropy, BAD_ARGUMENT for
 * arguments out of range
 */
export function evaluateDensity(
  density: Density,
  loss: Loss,
  alpha: number,
  tau: number,
): Evaluation {
  requireFiniteNumber("alpha", alpha, true);
  requireFiniteNumber("tau", tau);
  const [lo, hi] = density.support;
  const widest = Math.log(hi - lo);
  if (tau >= widest) {
    const message = `tau = ${tau}: expected less than ln(${hi - lo}) = ${widest}, the entropy of the uniform density`;
    throw new ModelError("INFEASIBLE", message);
  }
  const risk = getRisk(density, loss);
  const model = { density, risk, alpha };
  // Under log loss the density falls as x^(-alpha/gamma), and powers above -1 cannot be normalised.
  // For powers too close to -1, the tail would not end within float64.
  const limit = density.logarithmic ? alpha / (1 + reach / furthest) : Infinity;
  const gamma = findGamma((g) => createBase(model, choosePanels(model, g)), alpha, tau, limit);

  const panels = choosePanels(model, gamma);
  const base = createBase(model, panels);
  const { lnZ, probabilities, meanUnder, meanOver } = member(base, 1 / gamma, alpha / gamma);
  const scoreAt = (y: number) => (density.logarithmic ? Math.exp(y) : y);
  const totalOf = (value: (x: number) => number) =>
    probabilities.reduce((total, p, i) => total + p * value(at(base.x, i)), 0);
  const mean = density.logarithmic ? computeMoment(model, gamma, lnZ, 1) : totalOf((x) => x);
  const pdf = (x: number) => {
    if (x < lo || x > hi) return 0;
    const { under, over } = risk(x);
    return Math.exp(-(under + alpha * over) / gamma - lnZ);
  };
  return {
    gamma,
    lnZ,
    mean,
    meanUnder,
    meanOver,
    pdf,
    variance: density.logarithmic
      ? toVariance(mean, computeMoment(model, gamma, lnZ, 2))
      : totalOf((x) => (x - (mean ?? NaN)) ** 2),
    risk: meanUnder + alpha * meanOver,
    distribution: () => createDistribution(pdf, panels),
    range: [scoreAt(panels.edges.at(0) ?? NaN), scoreAt(panels.edges.at(-1) ?? NaN)],
  };
}

/** Returns the distribution of the true scores. */
export function createTruth(density: Density): ScoreDistribution {
  return createDistribution((v) => density.pdf(v), createPanels(density, ...density.range));
}

/** Computes the differential entropy of the true scores, in nats. */
export function computeEntropy(density: Density): number {
  const { x, logWeight } = listNodes(createPanels(density, ...density.range));
  return x.reduce((total, v, i) => {
    const p = density.pdf(v);
    return p > 0 ? total - Math.exp(at(logWeight, i)) * p * Math.log(p) : total;
  }, 0);
}

interface Model {
  readonly density: Density;
  readonly risk: ReturnType<typeof getRisk>;
  readonly alpha: number;
}

/** Chooses panels over all scores at which x^order·f_gamma is not negligible. */
function choosePanels({ density, risk, alpha }: Model, gamma: number, order = 0): Panels {
  const { logarithmic = false, support, range } = density;
  const potential = (y: number): number => {
    const { under, over } = risk(logarithmic ? Math.exp(y) : y);
    return (under + alpha * over) / gamma - (logarithmic ? (1 + order) * y : 0);
  };
  const centre = argmin(potential, range);
  const high = potential(centre) + reach;
  const [lowest, highest] = logarithmic ? [0, furthest] : support;
  // The potential has no meaning outside the support, so each step checks the support first.
  const edge = (direction: 1 | -1): number => {
    const shortest = (range[1] - range[0]) * 1e-9;
    for (let step = shortest; ; step *= 1.25) {
      const y = centre + direction * step;
      if (y <= lowest) return lowest;
      if (y >= highest) return highest;
      if (!(potential(y) <= high)) return y;
    }
  };
  return createPanels(density, edge(-1), edge(1));
}

function createBase({ risk }: Model, panels: Panels): BaseMeasure {
  const { x, logWeight } = listNodes(panels);
  const risks = Array.from(x, risk);
  return {
    x,
    logWeight,
    under: Float64Array.from(risks, ({ under }) => under),
    over: Float64Array.from(risks, ({ over }) => over),
  };
}

/**
 * Computes E x^order of a density that falls as x^(-alpha/gamma), or null if it diverges. It uses
 * its own panels, because the integrand reaches further than the density. Beyond the last panel the
 * integrand is a plain power with a known integral.
 */
function computeMoment(model: Model, gamma: number, lnZ: number, order: number): number | null {
  const { alpha, risk } = model;
  const fall = alpha / gamma - 1 - order;
  if (fall <= 0) return null;
  const panels = choosePanels(model, gamma, order);
  const base = createBase(model, panels);
  const logWeight = base.logWeight.map((w, i) => w + order * Math.log(at(base.x, i)));
  const inside = member({ ...base, logWeight }, 1 / gamma, alpha / gamma).lnZ;
  const end = panels.edges.at(-1) ?? NaN;
  const { under, over } = risk(Math.exp(end));
  const tail = Math.exp((1 + order) * end - (under + alpha * over) / gamma - lnZ) / fall;
  return Math.exp(inside - lnZ) + tail;
}

function toVariance(mean: number | null, second: number | null): number | null {
  return mean === null || second === null ? null : second - mean ** 2;
}

/**
 * Finds the minimum of a function with one valley by golden section, to about 1e-8 of the interval.
 */
function argmin(f: (y: number) => number, [from, to]: readonly [number, number]): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [lo, hi] = [from, to];
  let [a, b] = [hi - ratio * (hi - lo), lo + ratio * (hi - lo)];
  let [fa, fb] = [f(a), f(b)];
  while (hi - lo > 1e-8 * (to - from)) {
    if (fa <= fb) {
      [hi, b, fb] = [b, a, fa];
      a = hi - ratio * (hi - lo);
      fa = f(a);
    } else {
      [lo, a, fa] = [a, b, fb];
      b = lo + ratio * (hi - lo);
      fb = f(b);
    }
  }
  return (lo + hi) / 2;
}
