import { yieldToEventLoop } from "@fedclair/core";
import { at, leadingEigenvectors, Matrix, multiply, sum } from "@fedclair/linalg";

/**
 * Covariance-bound agnostic filter (CAF, Allouah, Guerraoui, Stephan, ICML 2025). All points start
 * with weight 1. Each step multiplies the weights by 1 - τ_k/max τ, where τ_k is the squared
 * distance from the weighted mean along the direction in which the weighted points differ most. The
 * steps end when the weights sum to K - 2f or less. The result is the weighted mean with the
 * smallest variance along its direction.
 *
 * The maximum is over the points that still have a weight. Over all points, as in ByzFL 0.0.11, a
 * removed point far away keeps the other weights from falling: 0, 1, 2 and 1e6 never end.
 * @param gram Gram matrix of the points, K×K
 * @param f number of points that may be contaminated, below K/2
 * @returns K weights ≥ 0, summing to 1
 */
export async function filterWeights(gram: Matrix, f: number): Promise<Float64Array> {
  const count = gram.rows;
  let weights = new Float64Array(count).fill(1);
  let best = { variance: Infinity, weights };
  for (;;) {
    const { variance, deviations } = measureSpread(gram, weights);
    if (variance < best.variance) best = { variance, weights };
    const largest = Math.max(...deviations.filter((_, k) => at(weights, k) > 0));
    if (!(largest > 0)) break; // the points with a weight are all equal
    weights = weights.map((c, k) => c * Math.max(0, 1 - at(deviations, k) / largest));
    if (sum(weights) <= count - 2 * f) break;
    await yieldToEventLoop();
  }
  const total = sum(best.weights);
  return best.weights.map((c) => c / total);
}

interface Spread {
  /** The largest eigenvalue λ of the weighted covariance Σ c_k·(V_k - μ)(V_k - μ)ᵀ / Σ c_k. */
  readonly variance: number;
  /** ⟨u, V_k - μ⟩² of every point, where u is the unit eigenvector of λ. */
  readonly deviations: Float64Array;
}

/**
 * Computes the spread from inner products. With C the centred Gram matrix and D the diagonal matrix
 * of the weights, λ is the largest eigenvalue of D^½·C·D^½ / Σ c_k. If z is its eigenvector, then u
 * is Σ √c_k·z_k·(V_k - μ), scaled to length 1.
 */
function measureSpread(gram: Matrix, weights: Float64Array): Spread {
  const count = gram.rows;
  const total = sum(weights);
  const products = multiply(gram, new Matrix(count, 1, weights)).data.map((x) => x / total);
  const squaredMean = products.reduce((all, x, k) => all + (x * at(weights, k)) / total, 0);
  const centered = new Matrix(count, count);
  const scaled = new Matrix(count, count);
  const roots = weights.map(Math.sqrt);
  for (let j = 0; j < count; j++) {
    for (let i = 0; i < count; i++) {
      const entry = gram.get(i, j) - at(products, i) - at(products, j) + squaredMean;
      centered.data[i + j * count] = entry;
      scaled.data[i + j * count] = at(roots, i) * entry * at(roots, j);
    }
  }
  const leading = leadingEigenvectors(scaled, 1).data;
  const along = multiply(scaled, new Matrix(count, 1, leading)).data;
  const eigenvalue = along.reduce((all, x, k) => all + x * at(leading, k), 0);
  if (!(eigenvalue > 0)) return { variance: 0, deviations: new Float64Array(count) };
  const direction = leading.map((z, k) => z * at(roots, k));
  const projections = multiply(centered, new Matrix(count, 1, direction)).data;
  return {
    variance: eigenvalue / total,
    deviations: projections.map((x) => x ** 2 / eigenvalue),
  };
}
