import { Matrix, sum, at } from "@fedclair/linalg";
import { couple, computeSourceWeights } from "./coupling.js";
import { dualCertificate, squaredDistances } from "./metrics.js";

interface SemiDualSettings {
  readonly eps: number;
  /** Step size > 0. */
  readonly alpha: number;
  readonly iterations: number;
}

/**
 * Runs the primal-dual iteration of a dual step with one value per source point in place of a
 * network, starting from V_0 = 0: V_0(x_i) += alpha·(1 - S·Ḡ_i), where Ḡ are the source weights of
 * the coupling. Its limit is entropic optimal transport.
 * @param sources S×d
 * @param targets B×d
 * @returns V_0
 */
export function semiDualAscent(
  sources: Matrix,
  targets: Matrix,
  { eps, alpha, iterations }: SemiDualSettings,
): Float64Array {
  let v0 = new Float64Array(sources.rows);
  for (let k = 0; k < iterations; k++) {
    const shares = computeSourceWeights(couple(v0, sources, targets, eps));
    v0 = v0.map((v, i) => v + alpha * (1 - sources.rows * at(shares, i)));
  }
  return v0;
}

interface SemiDualMeasures {
  /** S×B, see `couple`. */
  readonly coupling: Matrix;
  /**
   * mean V_0 - mean_j eps·ln mean_i exp((V_0(x_i) - |x_i - y_j|²/2)/eps), which the iteration
   * increases.
   */
  readonly entropicDual: number;
  /** The limit of `entropicDual` for eps → 0, see `dualCertificate`. */
  readonly hardDual: number;
  /** E|x - y|²/2 under the coupling. */
  readonly primalCost: number;
  /** Σ_i |Ḡ_i - 1/S| */
  readonly marginalError: number;
}

export function semiDualMeasures(
  v0: Float64Array,
  sources: Matrix,
  targets: Matrix,
  eps: number,
): SemiDualMeasures {
  const coupling = couple(v0, sources, targets, eps);
  const halfSquares = squaredDistances(sources, targets).scale(1 / 2);
  const soft = Float64Array.from({ length: targets.rows }, (_, j) => {
    const scores = halfSquares.column(j).map((half, i) => (at(v0, i) - half) / eps);
    const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    return eps * (most + Math.log(sum(scores.map((s) => Math.exp(s - most))) / sources.rows));
  });
  const costs = halfSquares.data.map((half, k) => half * at(coupling.data, k));
  const shares = computeSourceWeights(coupling);
  return {
    coupling,
    entropicDual: sum(v0) / sources.rows - sum(soft) / targets.rows,
    hardDual: dualCertificate(v0, sources, targets),
    primalCost: sum(costs) / targets.rows,
    marginalError: sum(shares.map((share) => Math.abs(share - 1 / sources.rows))),
  };
}
