import { at } from "@fedclair/linalg";
/**
 * The base of the exponential family ln f(x) = -etaUnder·U(x) - etaOver·O(x) - ln Z of all
 * evaluations: a measure on finitely many scores, and the statistics (U, O) at each. The scores are
 * the bins of a histogram or the nodes of a quadrature.
 */
export interface BaseMeasure {
  /** Score at each point. */
  readonly x: Float64Array;
  /** ln of the measure of each point: 0 to count points, ln of a weight to integrate. */
  readonly logWeight: Float64Array;
  readonly under: Float64Array;
  readonly over: Float64Array;
}

/**
 * One member of the family. Its entropy is in nats relative to the base measure, so it is
 * differential if the measure integrates.
 */
interface FamilyMember {
  readonly lnZ: number;
  /** Probability of each point; sums to 1. */
  readonly probabilities: Float64Array;
  readonly meanUnder: number;
  readonly meanOver: number;
  readonly varianceUnder: number;
  readonly varianceOver: number;
  readonly covariance: number;
  readonly entropy: number;
}

/**
 * Computes a member of the family.
 * @param etaUnder 1/gamma
 * @param etaOver alpha/gamma
 */
export function member(base: BaseMeasure, etaUnder: number, etaOver: number): FamilyMember {
  const { under, over, logWeight } = base;
  const exponents = logWeight.map((w, i) => w - etaUnder * at(under, i) - etaOver * at(over, i));
  // Subtract the largest exponent, because exp() of the plain exponents could overflow or
  // underflow.
  let top = -Infinity;
  for (const exponent of exponents) top = Math.max(top, exponent);
  let z = 0;
  const probabilities = exponents.map((exponent) => {
    const p = Math.exp(exponent - top);
    z += p;
    return p;
  });
  const meanUnder = meanOf(probabilities, under, z);
  const meanOver = meanOf(probabilities, over, z);
  let varianceUnder = 0;
  let varianceOver = 0;
  let covariance = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = (probabilities[i] = at(probabilities, i) / z);
    const u = at(under, i) - meanUnder;
    const o = at(over, i) - meanOver;
    varianceUnder += p * u * u;
    varianceOver += p * o * o;
    covariance += p * u * o;
  }
  const lnZ = top + Math.log(z);
  return {
    lnZ,
    probabilities,
    meanUnder,
    meanOver,
    varianceUnder,
    varianceOver,
    covariance,
    entropy: lnZ + etaUnder * meanUnder + etaOver * meanOver,
  };
}

function meanOf(weights: Float64Array, values: Float64Array, total: number): number {
  let mean = 0;
  for (let i = 0; i < weights.length; i++) mean += (at(weights, i) / total) * at(values, i);
  return mean;
}
