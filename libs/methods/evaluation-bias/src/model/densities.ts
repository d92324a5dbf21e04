import { sum, normalTail } from "@fedclair/linalg";
import { gaussLegendre, integrate } from "./gauss-legendre.js";
import { losses, type Loss, type Risk } from "./losses.js";
import { ModelError, requireFiniteNumber } from "./model-error.js";
import { logGamma, normalPdf } from "./special.js";

/** The density f_D of true scores, and its risk integrals U and O. */
export interface Density {
  readonly kind: string;
  /** The interval Omega of possible scores; it may be unbounded. */
  readonly support: readonly [number, number];
  /** Density per unit of score, 0 outside the support. */
  pdf(v: number): number;
  /**
   * Whether integrals are taken in ln x. Needed for tails so heavy that no even grid reaches their
   * end.
   */
  readonly logarithmic?: boolean;
  /**
   * Finite interval in the coordinate of integration (x or ln x) that contains all of the mass and
   * of the mean, up to rounding.
   */
  readonly range: readonly [number, number];
  /** Points in that coordinate at which panels of a quadrature must meet. */
  readonly seams?: readonly number[];
  /**
   * The risk integrals by loss. A loss is missing if its integrals diverge or are not implemented.
   */
  readonly risks: Readonly<Partial<Record<Loss, (x: number) => Risk>>>;
}

/**
 * Returns the risk integrals of a density under a loss.
 * @throws ModelError BAD_ARGUMENT if the density has none for this loss
 */
export function getRisk({ kind, risks }: Density, loss: Loss): (x: number) => Risk {
  const risk = risks[loss];
  if (risk !== undefined) return risk;
  const supported = Object.keys(risks).join(", ");
  throw new ModelError("BAD_ARGUMENT", `loss ${loss} of a ${kind} density: expected ${supported}`);
}

interface GaussianComponent {
  readonly weight: number;
  readonly mean: number;
  readonly sd: number;
}

/** Creates a mixture of normal densities. Weights are proportions and need not sum to 1. */
export function gaussianMixture(parts: readonly GaussianComponent[]): Density {
  parts.forEach(({ weight, mean, sd }) => {
    requireFiniteNumber("weight", weight, true);
    requireFiniteNumber("mean", mean);
    requireFiniteNumber("standard deviation", sd, true);
  });
  if (parts.length === 0) throw new ModelError("BAD_ARGUMENT", "a mixture of no components");
  const total = sum(parts.map(({ weight }) => weight));
  const components = parts.map(({ weight, ...rest }) => ({ weight: weight / total, ...rest }));
  const squared = (x: number): Risk => {
    let under = 0;
    let over = 0;
    for (const { weight, mean, sd } of components) {
      const z = (x - mean) / sd;
      const slope = z * normalPdf(z);
      // One tail gives both: subtracting the smaller one from 1 loses no digits.
      const small = normalTail(Math.abs(z));
      const [below, above] = z > 0 ? [1 - small, small] : [small, 1 - small];
      under += weight * sd * sd * ((1 + z * z) * above - slope);
      over += weight * sd * sd * ((1 + z * z) * below + slope);
    }
    return { under, over };
  };
  return {
    kind: parts.length === 1 ? "gaussian" : "mixture",
    support: [-Infinity, Infinity],
    pdf: (v) =>
      sum(components.map(({ weight, mean, sd }) => (weight * normalPdf((v - mean) / sd)) / sd)),
    range: [
      Math.min(...components.map(({ mean, sd }) => mean - 10 * sd)),
      Math.max(...components.map(({ mean, sd }) => mean + 10 * sd)),
    ],
    risks: { squared },
  };
}

export function gaussian(mean: number, sd: number): Density {
  return gaussianMixture([{ weight: 1, mean, sd }]);
}

/** Creates the uniform density on [a, b]. */
export function uniform(a: number, b: number): Density {
  const width = b - a;
  return {
    ...createBounded("uniform", a, b, () => 1 / width),
    risks: {
      ...createBoundedRisks(a, b, () => 1 / width),
      squared: (x) => {
        const u = (x - a) / width;
        return { under: (width ** 2 * (1 - u) ** 3) / 3, over: (width ** 2 * u ** 3) / 3 };
      },
    },
  };
}

/** Creates the Pareto density f_D = beta·v^(-beta-1) on [1, ∞). */
export function pareto(beta: number): Density {
  requireFiniteNumber("beta", beta, true);
  return {
    kind: "pareto",
    support: [1, Infinity],
    pdf: (v) => (v < 1 ? 0 : beta * v ** (-beta - 1)),
    logarithmic: true,
    // The mean's tail falls as e^(-(beta-1)y); e^690 is about the largest float64.
    range: [0, Math.min(690, 80 / (beta > 1 ? beta - 1 : beta))],
    // Beyond this point x^(-beta) is below rounding, and a plain power remains.
    seams: [40 / beta],
    risks: {
      log: (x) => {
        const t = x ** -beta;
        return { under: -t / beta, over: Math.log(x) - (1 - t) / beta };
      },
    },
  };
}

/** Creates the exponential density f_D = lambda·exp(-lambda·v) on [0, ∞). */
export function exponential(lambda: number): Density {
  requireFiniteNumber("lambda", lambda, true);
  return {
    kind: "exponential",
    support: [0, Infinity],
    pdf: (v) => (v < 0 ? 0 : lambda * Math.exp(-lambda * v)),
    range: [0, 80 / lambda],
    risks: {
      linear: (x) => {
        const t = Math.exp(-lambda * x);
        return { under: -t / lambda, over: x - (1 - t) / lambda };
      },
    },
  };
}

/** Creates the Laplace density f_D = exp(-|v - m|/b)/2b. */
export function laplace(m: number, b: number): Density {
  requireFiniteNumber("m", m);
  requireFiniteNumber("b", b, true);
  return {
    kind: "laplace",
    support: [-Infinity, Infinity],
    pdf: (v) => Math.exp(-Math.abs(v - m) / b) / (2 * b),
    range: [m - 60 * b, m + 60 * b],
    seams: [m],
    risks: {
      absolute: (x) => {
        const z = x - m;
        const e = (b / 2) * Math.exp(-Math.abs(z) / b);
        return { under: e + Math.max(-z, 0), over: e + Math.max(z, 0) };
      },
    },
  };
}

/** Creates the density of Beta(p, q) on [0, 1]. */
export function beta(p: number, q: number): Density {
  requireFiniteNumber("p", p, true);
  requireFiniteNumber("q", q, true);
  const logNorm = logGamma(p) + logGamma(q) - logGamma(p + q);
  const pdf = (v: number) => Math.exp((p - 1) * Math.log(v) + (q - 1) * Math.log1p(-v) - logNorm);
  return createBounded("beta", 0, 1, pdf);
}

/** Creates the density of N(mean, sd²) truncated to [a, b]. */
export function truncatedNormal(mean: number, sd: number, a: number, b: number): Density {
  requireFiniteNumber("mean", mean);
  requireFiniteNumber("standard deviation", sd, true);
  // Differences of the smaller of the two tails lose no digits for bounds far to the right.
  const side = a > mean ? 1 : -1;
  const mass = side * (normalTail((side * (a - mean)) / sd) - normalTail((side * (b - mean)) / sd));
  return createBounded("truncated-normal", a, b, (v) => normalPdf((v - mean) / sd) / sd / mass);
}

function createBounded(kind: string, a: number, b: number, inside: (v: number) => number): Density {
  requireFiniteNumber("a", a);
  requireFiniteNumber("b", b);
  if (!(a < b)) throw new ModelError("BAD_ARGUMENT", `expected a < b, got [${a}, ${b}]`);
  return {
    kind,
    support: [a, b],
    pdf: (v) => (v < a || v > b ? 0 : inside(v)),
    range: [a, b],
    risks: createBoundedRisks(a, b, inside),
  };
}

const fine = gaussLegendre(200);

/**
 * Computes U and O by quadrature. Excludes `log` if scores reach down to 0, because a score of 0
 * would have a risk of -∞.
 */
function createBoundedRisks(a: number, b: number, pdf: (v: number) => number): Density["risks"] {
  const riskUnder = (loss: Loss) => {
    const ell = losses[loss];
    return (x: number): Risk => ({
      under: integrate((v) => ell(v, x) * pdf(v), x, b, fine),
      over: integrate((v) => ell(v, x) * pdf(v), a, x, fine),
    });
  };
  return {
    squared: riskUnder("squared"),
    absolute: riskUnder("absolute"),
    linear: riskUnder("linear"),
    ...(a > 0 ? { log: riskUnder("log") } : {}),
  };
}
