import { UserError } from "@fedclair/core";
import { at, indices, type Matrix } from "@fedclair/linalg";

/**
 * The most clients that may be left out. The search takes up to 2^f steps; at this f, random
 * distances, triangles and cycles of 100 to 1000 clients took at most 0.4 s.
 */
const maxMdaF = 16;

/** A set of points and the largest distance between two of them. */
export interface Smallest {
  /** Indices, ascending. */
  readonly selected: readonly number[];
  /** The largest squared distance between two selected points. */
  readonly squaredDiameter: number;
}

/**
 * Finds the K - f points with the smallest diameter (El Mhamdi et al., ICML 2018, arXiv 1802.07927,
 * which calls the rule Brute), of equally small sets the first in lexicographic order. Points that
 * are further apart than the diameter are in conflict: one of the two has to go. A bisection over
 * all distances finds the smallest diameter for which f removals resolve all conflicts.
 * @param squared distances, K×K
 * @throws UserError if f is more than `maxMdaF`
 */
export function selectSmallest(squared: Matrix, f: number): Smallest {
  requireMdaF(f);
  const distances = squared.data.toSorted();
  let [low, high] = [0, distances.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (findRemoved(squared, at(distances, middle), f)) high = middle;
    else low = middle + 1;
  }
  const squaredDiameter = at(distances, low);
  const removed = new Set(findRemoved(squared, squaredDiameter, f));
  const left = indices(squared.rows).filter((k) => !removed.has(k));
  return { selected: left.slice(0, squared.rows - f), squaredDiameter };
}

/** @throws UserError if f is more than `maxMdaF` */
export function requireMdaF(f: number): void {
  if (f <= maxMdaF) return;
  throw new UserError(
    `the search for the K - f clients of smallest diameter supports f up to ${maxMdaF}, got ${f}: ` +
      "lower fraction, or use multi-krum",
  );
}

/** Two points that are too far apart, the smaller index first. */
type Conflict = readonly [number, number];

/**
 * Finds up to f points without which no distance is above `most`.
 * @returns their indices; undefined if f are not enough
 */
function findRemoved(squared: Matrix, most: number, f: number): readonly number[] | undefined {
  const crowded: number[] = [];
  const conflicts: Conflict[] = [];
  for (let i = 0; i < squared.rows; i++) {
    const column = squared.column(i);
    const partners: Conflict[] = [];
    column.forEach((distance, j) => {
      if (distance > most) partners.push([i, j]);
    });
    // A point with more than f conflicts has to go: its partners are too many.
    if (partners.length <= f) conflicts.push(...partners.filter(([, j]) => j > i));
    else if (crowded.push(i) > f) return undefined;
  }
  const gone = new Set(crowded);
  const rest = conflicts.filter(([, j]) => !gone.has(j));
  const removed = resolve(rest, f - crowded.length);
  return removed && [...crowded, ...removed];
}

/**
 * Removes up to `budget` points so that no conflict is left. It tries to keep the first point in
 * conflict before it removes that point, so the solution keeps the first points.
 * @param conflicts in lexicographic order
 */
function resolve(conflicts: readonly Conflict[], budget: number): readonly number[] | undefined {
  const [first] = conflicts;
  if (!first) return [];
  const partners = new Map<number, number>();
  for (const point of conflicts.flat()) partners.set(point, (partners.get(point) ?? 0) + 1);
  const [crowded, most] = [...partners].reduce((x, y) => (y[1] > x[1] ? y : x));
  // `budget` points have at most that many conflicts together.
  if (conflicts.length > budget * most) return undefined;
  const remove = (points: ReadonlySet<number>) => {
    const left = conflicts.filter(([i, j]) => !points.has(i) && !points.has(j));
    const removed = resolve(left, budget - points.size);
    return removed && [...points, ...removed];
  };
  if (most > budget) return remove(new Set([crowded]));
  const [point] = first;
  const others = conflicts.filter(([i]) => i === point).map(([, j]) => j);
  return remove(new Set(others)) ?? remove(new Set([point]));
}
