import {
  frobenius,
  hstack,
  leadingEigenvectors,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  norm,
  subtract,
  sum,
  item,
} from "@fedclair/linalg";
import { pacer } from "./pace.js";
import { packedOrder } from "./packing.js";
import { addScaledTo, distance, minus } from "./vectors.js";

/** Sampling errors above which a client counts as contaminated: by its distance, and by its residual off rank 1. */
export const distanceThreshold = 2;
export const lowRankThreshold = 1.6;

/** One client's covariance as a vector (`svec`), and how many samples it is made from. */
export interface Sample {
  readonly vector: Float64Array;
  /** n_k ≥ 1 */
  readonly samples: number;
}

/**
 * For Gaussian signals E‖C_k − C‖² = (tr(C)² + ‖C‖²)/n_k: distances in this unit are about 1 for benign clients, whatever
 * their number of samples.
 * @param center svec(C)
 */
export function samplingErrors(center: Float64Array, samples: readonly Sample[]): number[] {
  const trace = sum(center.subarray(0, packedOrder(center.length)));
  return samples.map(({ samples: n }) => Math.sqrt((trace ** 2 + norm(center) ** 2) / n));
}

/** How many sampling errors each client is away from the geometric median. */
export async function distanceScores(samples: readonly Sample[]): Promise<number[]> {
  const center = await geometricMedian(samples);
  const errors = samplingErrors(center, samples);
  return samples.map(({ vector }, k) => distance(vector, center) / item(errors, k));
}

/**
 * The point with the least sum of distances, weighted by √n_k, by Weiszfeld's steps from the mean until they are below
 * 1e-12 of it.
 */
export async function geometricMedian(samples: readonly Sample[]): Promise<Float64Array> {
  const pace = pacer();
  let center = weightedMean(samples, (_, n) => n);
  for (let step = 0; step < 10_000; step++) {
    await pace();
    const from = center;
    // A step from a client's own point would divide by 0; that far from it is as good as there.
    const least = 1e-12 * norm(from);
    center = weightedMean(
      samples,
      (vector, n) => Math.sqrt(n) / Math.max(distance(vector, from), least),
    );
    if (distance(center, from) <= 1e-12 * norm(center)) break;
  }
  return center;
}

/**
 * Splits the clients' vectors V = L + E into a part L of rank 1 that benign ones share, and whole columns E for the others
 * (low rank plus block-sparse, the form of CLAIR): alternates L ← rank 1 of V − E and e_k ← the residual v_k − l_k, shrunk
 * by `threshold` sampling errors. From L = the geometric median, until L rests.
 * @returns ‖v_k − l_k‖ in sampling errors; e_k ≠ 0 where it is above `threshold`
 */
export async function lowRankScores(
  samples: readonly Sample[],
  threshold: number,
): Promise<number[]> {
  const pace = pacer();
  const center = await geometricMedian(samples);
  const errors = samplingErrors(center, samples);
  let low = hstack(samples.map(() => new Matrix(center.length, 1, center)));
  for (let step = 0; step < 1000; step++) {
    await pace();
    const kept = low.copy();
    samples.forEach(({ vector }, k) => {
      const shared = low.column(k);
      const most = (threshold * item(errors, k)) / distance(vector, shared);
      // V − E: the client's own vector, or as much of its residual as is not suspect.
      addScaledTo(kept.column(k), Math.min(most, 1), minus(vector, shared));
    });
    const next = rankOne(kept);
    const moved = frobenius(subtract(next, low));
    low = next;
    if (moved <= 1e-10 * frobenius(low)) break;
  }
  return samples.map(({ vector }, k) => distance(vector, low.column(k)) / item(errors, k));
}

/** The best approximation of rank 1, X·v·vᵀ by the leading right singular vector: there are fewer clients than entries. */
function rankOne(x: Matrix): Matrix {
  const v = leadingEigenvectors(multiplyTN(x, x), 1);
  return multiplyNT(multiply(x, v), v);
}

function weightedMean(
  samples: readonly Sample[],
  weightOf: (vector: Float64Array, samples: number) => number,
): Float64Array {
  const weights = samples.map(({ vector, samples: n }) => weightOf(vector, n));
  const total = sum(weights);
  const mean = new Float64Array(samples[0]?.vector.length ?? 0);
  samples.forEach(({ vector }, k) => {
    addScaledTo(mean, item(weights, k) / total, vector);
  });
  return mean;
}
