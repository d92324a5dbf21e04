import {
  at,
  indices,
  item,
  mean,
  median,
  standardDeviation,
  sum,
  type Matrix,
} from "@fedclair/linalg";
import type { Energies } from "../space/view-measures.js";

/** What lies outside the shared space of each client's dense change. */
export interface Residuals {
  /** Energies, relative to the usual client's. */
  readonly energies: Float64Array;
  /** Number of directions outside the space, over all modules. */
  readonly degrees: number;
}

/**
 * Measures residual energies, each module relative to its median, so that modules may have noise of
 * different sizes.
 * @param energies of the clients' blocks in the fit without them, by module
 * @param grams ⟨X_i, X_j⟩ / (|X_i| |X_j|) of these clients, by module, with norms of whole changes
 * @param norms of whole changes
 * @param shapes rows and columns by module; the space is one of columns
 * @param ranks dimensions of the spaces
 * @returns undefined if a usual client has no residual
 */
export function measureResiduals(
  energies: readonly Energies[],
  grams: readonly Matrix[],
  norms: readonly number[],
  shapes: readonly (readonly [rows: number, cols: number])[],
  ranks: readonly number[],
): Residuals | undefined {
  const degrees = shapes.map(([rows, cols], m) => (rows - item(ranks, m)) * cols);
  const total = new Float64Array(item(grams, 0).rows);
  for (const [m, gram] of grams.entries()) {
    const { inside, outside } = item(energies, m);
    const own = indices(gram.rows).map((k) => {
      const share = at(outside, k) / (at(inside, k) + at(outside, k) || 1);
      return item(norms, k) ** 2 * gram.get(k, k) * share;
    });
    const usual = median(own);
    if (!(usual > 0)) return undefined;
    own.forEach((x, k) => (total[k] = at(total, k) + (item(degrees, m) * x) / usual));
  }
  const all = sum(degrees);
  return { energies: total.map((x) => x / all), degrees: all };
}

/**
 * Standard deviation of the lower half of normal numbers, √(1 − 2/π), and the factor within which
 * the clients' must be. Among contaminated clients the lower half of all is a larger part of the
 * honest ones.
 */
const [lowerHalf, tolerance] = [Math.sqrt(1 - 2 / Math.PI), 2.5];

/** A smaller half cannot show whether residuals are noise. */
const leastHalf = 10;

/**
 * The standard deviation of a residual energy by the law of noise, √(2/ν) for ν directions, or that
 * of the least half of the clients if it is larger. Clients whose residuals differ for other
 * reasons, such as their number of samples, vary much more: then it is not noise, and undefined.
 */
export function findNoiseSpread({ energies, degrees }: Residuals): number | undefined {
  const sorted = energies.toSorted();
  const half = sorted.subarray(0, Math.ceil(sorted.length / 2));
  if (half.length < leastHalf) return undefined;
  const spread = Math.sqrt(2 / degrees);
  const own = standardDeviation(half) / mean(half);
  return own <= tolerance * lowerHalf * spread ? Math.max(spread, own / lowerHalf) : undefined;
}
