import { item } from "@fedclair/linalg";
import { member, type BaseMeasure } from "./family.js";

/** The evaluation that fits observed scores best. */
export interface Fit {
  /**
   * OUTSIDE_MODEL: the best member of the exponential family is not an evaluation (alpha ≤ 0 or
   * gamma ≤ 0), or does not exist.
   */
  readonly status: "OK" | "OUTSIDE_MODEL";
  /** NaN if the likelihood has no maximum. */
  readonly alpha: number;
  readonly gamma: number;
  /** Entropy of the fitted distribution relative to the base measure, nats. */
  readonly tau: number;
  readonly pmf: Float64Array;
}

/**
 * Computes the maximum-likelihood (alpha, tau) by damped Newton steps on the concave log-likelihood
 * of the natural parameters. It is the member whose means of U and O equal those of the sample, so
 * clients only need to send these means.
 * @param meanUnder sample mean of U
 * @param meanOver sample mean of O
 */
export function fitMoments(base: BaseMeasure, meanUnder: number, meanOver: number): Fit {
  const [under, centreUnder, scaleUnder] = standardise(base.under);
  const [over, centreOver, scaleOver] = standardise(base.over);
  const standard: BaseMeasure = { ...base, under, over };
  const targetUnder = (meanUnder - centreUnder) / scaleUnder;
  const targetOver = (meanOver - centreOver) / scaleOver;
  const logLikelihood = (a: number, b: number) =>
    -a * targetUnder - b * targetOver - member(standard, a, b).lnZ;

  let [a, b] = [0, 0];
  let hasConverged = false;
  for (let step = 0; step < 200; step++) {
    const m = member(standard, a, b);
    const [gradientA, gradientB] = [m.meanUnder - targetUnder, m.meanOver - targetOver];
    const determinant = m.varianceUnder * m.varianceOver - m.covariance ** 2;
    // A sample on the boundary of the family's range, such as a single bin, has no maximum: steps
    // diverge to a point mass.
    if (!(determinant > 1e-14)) break;
    hasConverged = Math.hypot(gradientA, gradientB) <= 1e-12;
    if (hasConverged) break;
    const moveA = (m.varianceOver * gradientA - m.covariance * gradientB) / determinant;
    const moveB = (m.varianceUnder * gradientB - m.covariance * gradientA) / determinant;
    const rise = moveA * gradientA + moveB * gradientB;
    const before = logLikelihood(a, b);
    let length = 1;
    // Very close to the maximum, rounding hides a rise, but full steps converge without damping.
    const isDamped = rise > 1e-10;
    while (
      isDamped &&
      length > 1e-10 &&
      logLikelihood(a + length * moveA, b + length * moveB) < before + 1e-4 * length * rise
    ) {
      length /= 2;
    }
    a += length * moveA;
    b += length * moveB;
  }
  const etaUnder = hasConverged ? a / scaleUnder : NaN;
  const etaOver = hasConverged ? b / scaleOver : NaN;
  const { probabilities, entropy } = member(base, etaUnder, etaOver);
  return {
    status: etaUnder > 0 && etaOver > 0 ? "OK" : "OUTSIDE_MODEL",
    alpha: etaOver / etaUnder,
    gamma: 1 / etaUnder,
    tau: entropy,
    pmf: probabilities,
  };
}

/**
 * Fits a histogram on the points of the base measure.
 * @param pmf sums to 1
 */
export function fitHistogram(base: BaseMeasure, pmf: Float64Array): Fit {
  const meanOf = (values: Float64Array) =>
    pmf.reduce((total, p, i) => total + p * item(values, i), 0);
  return fitMoments(base, meanOf(base.under), meanOf(base.over));
}

/**
 * Standardises values to mean 0 and variance 1 over the points, and returns the mean and deviation
 * that were removed.
 */
function standardise(values: Float64Array): [Float64Array, number, number] {
  const mean = values.reduce((total, x) => total + x, 0) / values.length;
  const variance = values.reduce((total, x) => total + (x - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance);
  return [values.map((x) => (x - mean) / deviation), mean, deviation];
}
