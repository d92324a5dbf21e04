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
import { createPacer } from "./pace.js";
import { packedOrder } from "./packing.js";
import { addScaledTo, distance, subtractVectors } from "./vectors.js";

/**
 * Number of sampling errors above which a client counts as contaminated, by its distance and by its
 * residual from rank 1.
 */
export const distanceThreshold = 2;
export const lowRankThreshold = 1.6;

/** One client's covariance as a vector (`svec`), and its number of samples. */
export interface ClientCovariance {
  readonly vector: Float64Array;
  /** Number of samples, n_k ≥ 1. */
  readonly samples: number;
}

/**
 * Computes the sampling error of each client. For Gaussian signals E‖C_k − C‖² = (tr(C)² +
 * ‖C‖²)/n_k, so distances in this unit are about 1 for benign clients with any number of samples.
 * @param center svec(C)
 */
function computeSamplingErrors(
  center: Float64Array,
  samples: readonly ClientCovariance[],
): number[] {
  const trace = sum(center.subarray(0, packedOrder(center.length)));
  return samples.map(({ samples: n }) => Math.sqrt((trace ** 2 + norm(center) ** 2) / n));
}

/** Computes each client's distance from the geometric median in sampling errors. */
export async function computeDistanceScores(
  samples: readonly ClientCovariance[],
): Promise<number[]> {
  const center = await findGeometricMedian(samples);
  const errors = computeSamplingErrors(center, samples);
  return samples.map(({ vector }, k) => distance(vector, center) / item(errors, k));
}

/**
 * Finds the point with the least sum of distances, weighted by √n_k. Weiszfeld's steps from the
 * mean run until they are below 1e-12 of the point.
 */
export async function findGeometricMedian(
  samples: readonly ClientCovariance[],
): Promise<Float64Array> {
  const pace = createPacer();
  let center = weightedMean(samples, (_, n) => n);
  for (let step = 0; step < 10_000; step++) {
    await pace();
    const from = center;
    // A step from a client's own point would divide by 0. A point at this distance is just as good.
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
 * Splits the clients' vectors V = L + E into a part L of rank 1 that benign clients share, and
 * whole columns E for the others (low rank plus block-sparse, the form of CLAIR). It alternates
 * between L ← rank 1 of V − E and e_k ← the residual v_k − l_k, shrunk by `threshold` sampling
 * errors. It starts from L = the geometric median and ends when L no longer changes.
 * @returns ‖v_k − l_k‖ in sampling errors; e_k ≠ 0 if it is above `threshold`
 */
export async function computeLowRankScores(
  samples: readonly ClientCovariance[],
  threshold: number,
): Promise<number[]> {
  const pace = createPacer();
  const center = await findGeometricMedian(samples);
  const errors = computeSamplingErrors(center, samples);
  let low = hstack(samples.map(() => new Matrix(center.length, 1, center)));
  for (let step = 0; step < 1000; step++) {
    await pace();
    const cleaned = low.copy();
    samples.forEach(({ vector }, k) => {
      const shared = low.column(k);
      const most = (threshold * item(errors, k)) / distance(vector, shared);
      // V − E is the client's own vector, or the part within `threshold` sampling errors of L.
      addScaledTo(cleaned.column(k), Math.min(most, 1), subtractVectors(vector, shared));
    });
    const next = approximateByRankOne(cleaned);
    const change = frobenius(subtract(next, low));
    low = next;
    if (change <= 1e-10 * frobenius(low)) break;
  }
  return samples.map(({ vector }, k) => distance(vector, low.column(k)) / item(errors, k));
}

/**
 * Computes the best approximation of rank 1, X·v·vᵀ with the leading right singular vector v. This
 * is cheap because there are fewer clients than entries.
 */
function approximateByRankOne(x: Matrix): Matrix {
  const v = leadingEigenvectors(multiplyTN(x, x), 1);
  return multiplyNT(multiply(x, v), v);
}

function weightedMean(
  samples: readonly ClientCovariance[],
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
