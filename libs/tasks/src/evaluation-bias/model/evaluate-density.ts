import { at } from "@fedclair/linalg";
import { riskOf, type Density } from "./densities.js";
import { member, type Base } from "./family.js";
import { gammaOfEntropy } from "./gamma.js";
import type { Loss } from "./losses.js";
import { ModelError, requireFinite } from "./model-error.js";
import { nodesOf, panelsOf, type Panels } from "./panels.js";
import { distributionOf, type ScoreDistribution } from "./score-distribution.js";

/** The observed scores of a group: the optimum f_E = exp(-I/gamma)/Z of the programme, and its moments. */
export interface Evaluation {
  readonly gamma: number;
  readonly lnZ: number;
  /** Null where the integral diverges. */
  readonly mean: number | null;
  readonly variance: number | null;
  /** Err(f_E), the mean of the risk I. */
  readonly risk: number;
  readonly meanUnder: number;
  readonly meanOver: number;
  readonly pdf: (x: number) => number;
  /** Made on demand: it takes as long as a third of the solution. */
  readonly distribution: () => ScoreDistribution;
  /** The scores outside which there is less than 1e-34 of the mass. */
  readonly range: readonly [number, number];
}

/** exp(-80) = 2e-35: what lies beyond changes no digit. */
const reach = 80;

/** Where panels in y = ln x end at the latest: e^690 is about the largest number. */
const furthest = 690;

/**
 * Minimises the mean risk ∫ I f over densities f of entropy at least `tau`, in float64 (L. E. Celis, A. Kumar, A. Mehrotra,
 * N. K. Vishnoi, Bias in Evaluation Processes: An Optimization-Based Model, arXiv 2310.17489).
 * @param alpha risk-averseness > 0: what an over-estimate costs, against an under-estimate
 * @param tau least differential entropy of the observed scores, nats
 * @throws ModelError INFEASIBLE if no density on the support has the entropy, BAD_ARGUMENT for arguments out of range
 */
export function evaluateDensity(
  density: Density,
  loss: Loss,
  alpha: number,
  tau: number,
): Evaluation {
  requireFinite("alpha", alpha, true);
  requireFinite("tau", tau);
  const [lo, hi] = density.support;
  const widest = Math.log(hi - lo);
  if (tau >= widest) {
    const message = `tau = ${tau}: expected less than ln(${hi - lo}) = ${widest}, the entropy of the uniform density`;
    throw new ModelError("INFEASIBLE", message);
  }
  const risk = riskOf(density, loss);
  const model = { density, risk, alpha };
  // Under log loss the density falls as x^(-alpha/gamma): no power above -1 can be normalised.
  // Closer to -1 than this, the tail would not end before the numbers do.
  const limit = density.logarithmic ? alpha / (1 + reach / furthest) : Infinity;
  const gamma = gammaOfEntropy((g) => baseOf(model, panelsAt(model, g)), alpha, tau, limit);

  const panels = panelsAt(model, gamma);
  const base = baseOf(model, panels);
  const { lnZ, probabilities, meanUnder, meanOver } = member(base, 1 / gamma, alpha / gamma);
  const scoreAt = (y: number) => (density.logarithmic ? Math.exp(y) : y);
  const totalOf = (value: (x: number) => number) =>
    probabilities.reduce((total, p, i) => total + p * value(at(base.x, i)), 0);
  const mean = density.logarithmic ? moment(model, gamma, lnZ, 1) : totalOf((x) => x);
  const pdf = (x: number) => {
    if (x < lo || x > hi) return 0;
    const { under, over } = risk(x);
    return Math.exp(-(under + alpha * over) / gamma - lnZ);
  };
  return {
    ...{ gamma, lnZ, mean, meanUnder, meanOver, pdf },
    variance: density.logarithmic
      ? centred(mean, moment(model, gamma, lnZ, 2))
      : totalOf((x) => (x - (mean ?? NaN)) ** 2),
    risk: meanUnder + alpha * meanOver,
    distribution: () => distributionOf(pdf, panels),
    range: [scoreAt(panels.edges.at(0) ?? NaN), scoreAt(panels.edges.at(-1) ?? NaN)],
  };
}

/** The law of the true scores. */
export function truthOf(density: Density): ScoreDistribution {
  return distributionOf((v) => density.pdf(v), panelsOf(density, ...density.range));
}

/** Differential entropy of the true scores, nats. */
export function entropyOf(density: Density): number {
  const { x, logWeight } = nodesOf(panelsOf(density, ...density.range));
  return x.reduce((total, v, i) => {
    const p = density.pdf(v);
    return p > 0 ? total - Math.exp(at(logWeight, i)) * p * Math.log(p) : total;
  }, 0);
}

interface Model {
  readonly density: Density;
  readonly risk: ReturnType<typeof riskOf>;
  readonly alpha: number;
}

/** Over all scores at which x^order·f_gamma is not negligible. */
function panelsAt({ density, risk, alpha }: Model, gamma: number, order = 0): Panels {
  const { logarithmic = false, support, range } = density;
  const potential = (y: number): number => {
    const { under, over } = risk(logarithmic ? Math.exp(y) : y);
    return (under + alpha * over) / gamma - (logarithmic ? (1 + order) * y : 0);
  };
  const centre = argmin(potential, range);
  const high = potential(centre) + reach;
  const [lowest, highest] = logarithmic ? [0, furthest] : support;
  // The potential means nothing outside the support, so each step asks for that first.
  const edge = (direction: 1 | -1): number => {
    const shortest = (range[1] - range[0]) * 1e-9;
    for (let step = shortest; ; step *= 1.25) {
      const y = centre + direction * step;
      if (y <= lowest) return lowest;
      if (y >= highest) return highest;
      if (!(potential(y) <= high)) return y;
    }
  };
  return panelsOf(density, edge(-1), edge(1));
}

function baseOf({ risk }: Model, panels: Panels): Base {
  const { x, logWeight } = nodesOf(panels);
  const risks = Array.from(x, risk);
  return {
    ...{ x, logWeight },
    under: Float64Array.from(risks, ({ under }) => under),
    over: Float64Array.from(risks, ({ over }) => over),
  };
}

/**
 * E x^order of a density that falls as x^(-alpha/gamma), null if it diverges, on panels of its own: the integrand reaches
 * further than the density. Beyond the last panel it is a plain power, whose integral is known.
 */
function moment(model: Model, gamma: number, lnZ: number, order: number): number | null {
  const { alpha, risk } = model;
  const fall = alpha / gamma - 1 - order;
  if (fall <= 0) return null;
  const panels = panelsAt(model, gamma, order);
  const base = baseOf(model, panels);
  const logWeight = base.logWeight.map((w, i) => w + order * Math.log(at(base.x, i)));
  const inside = member({ ...base, logWeight }, 1 / gamma, alpha / gamma).lnZ;
  const end = panels.edges.at(-1) ?? NaN;
  const { under, over } = risk(Math.exp(end));
  const tail = Math.exp((1 + order) * end - (under + alpha * over) / gamma - lnZ) / fall;
  return Math.exp(inside - lnZ) + tail;
}

function centred(mean: number | null, second: number | null): number | null {
  return mean === null || second === null ? null : second - mean ** 2;
}

/** Where a function with one valley is lowest, by golden section, to about 1e-8 of the interval. */
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
