import { item } from "@fedclair/linalg";
import { member, type Base } from "./family.js";

/** The evaluation that explains observed scores best. */
export interface Fit {
  /** OUTSIDE_MODEL: the best member of the exponential family is no evaluation (alpha ≤ 0 or gamma ≤ 0), or there is none. */
  readonly status: "OK" | "OUTSIDE_MODEL";
  /** NaN if the likelihood has no maximum. */
  readonly alpha: number;
  readonly gamma: number;
  /** Entropy of the fitted law relative to the base measure, nats. */
  readonly tau: number;
  readonly pmf: Float64Array;
}

/**
 * The maximum-likelihood (alpha, tau) by damped Newton steps on the concave log-likelihood of the natural parameters:
 * the member whose means of U and O equal those of the sample.
 * @param meanUnder sample mean of U, from all that a client needs to send
 * @param meanOver sample mean of O
 */
export function fitMoments(base: Base, meanUnder: number, meanOver: number): Fit {
  const [under, centreUnder, scaleUnder] = standardised(base.under);
  const [over, centreOver, scaleOver] = standardised(base.over);
  const standard: Base = { ...base, under, over };
  const targetUnder = (meanUnder - centreUnder) / scaleUnder;
  const targetOver = (meanOver - centreOver) / scaleOver;
  const logLikelihood = (a: number, b: number) =>
    -a * targetUnder - b * targetOver - member(standard, a, b).lnZ;

  let [a, b] = [0, 0];
  let found = false;
  for (let step = 0; step < 200; step++) {
    const m = member(standard, a, b);
    const [gradientA, gradientB] = [m.meanUnder - targetUnder, m.meanOver - targetOver];
    const determinant = m.varianceUnder * m.varianceOver - m.covariance ** 2;
    // A sample on the rim of what the family can reach, as one bin alone, has no maximum: steps run off to a point mass.
    if (!(determinant > 1e-14)) break;
    found = Math.hypot(gradientA, gradientB) <= 1e-12;
    if (found) break;
    const moveA = (m.varianceOver * gradientA - m.covariance * gradientB) / determinant;
    const moveB = (m.varianceUnder * gradientB - m.covariance * gradientA) / determinant;
    const rise = moveA * gradientA + moveB * gradientB;
    const before = logLikelihood(a, b);
    let length = 1;
    // So close that a rise would drown in rounding, full steps converge by themselves.
    const damped = rise > 1e-10;
    while (
      damped &&
      length > 1e-10 &&
      logLikelihood(a + length * moveA, b + length * moveB) < before + 1e-4 * length * rise
    ) {
      length /= 2;
    }
    a += length * moveA;
    b += length * moveB;
  }
  const etaUnder = found ? a / scaleUnder : NaN;
  const etaOver = found ? b / scaleOver : NaN;
  const { probabilities, entropy } = member(base, etaUnder, etaOver);
  return {
    status: etaUnder > 0 && etaOver > 0 ? "OK" : "OUTSIDE_MODEL",
    ...{ alpha: etaOver / etaUnder, gamma: 1 / etaUnder, tau: entropy, pmf: probabilities },
  };
}

/** The fit to a histogram on the points of the base measure. @param pmf sums to 1 */
export function fitHistogram(base: Base, pmf: Float64Array): Fit {
  const meanOf = (values: Float64Array) =>
    pmf.reduce((total, p, i) => total + p * item(values, i), 0);
  return fitMoments(base, meanOf(base.under), meanOf(base.over));
}

/** Mean 0 and variance 1 over the points, with the mean and the deviation that were taken out. */
function standardised(values: Float64Array): [Float64Array, number, number] {
  const mean = values.reduce((total, x) => total + x, 0) / values.length;
  const variance = values.reduce((total, x) => total + (x - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance);
  return [values.map((x) => (x - mean) / deviation), mean, deviation];
}
