import { UserError } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { breather } from "./breather.js";

/**
 * Krum's scores (Blanchard et al., NeurIPS 2017): the sum of the K - f - 2 smallest squared distances to the others, of one
 * at least.
 * @param squared distances, K×K
 * @param f clients that may be contaminated
 */
export function krumScores(squared: Matrix, f: number): number[] {
  const everybody = indices(squared.rows);
  return everybody.map((i) =>
    scoreOf(squared.column(i), othersByDistance(squared, i), f, everybody.length),
  );
}

/** @param others by rising distance, at least those that count @param count of clients that are scored */
function scoreOf(
  distances: Float64Array,
  others: readonly number[],
  f: number,
  count: number,
): number {
  let score = 0;
  for (const j of others.slice(0, Math.max(1, count - f - 2))) score += distances[j] ?? NaN;
  return score;
}

function othersByDistance(squared: Matrix, i: number): number[] {
  const distances = squared.column(i);
  return indices(squared.rows)
    .filter((j) => j !== i)
    .sort((j, k) => (distances[j] ?? NaN) - (distances[k] ?? NaN));
}

/** Indices by rising score, the first of equal ones first. */
export function byScore(scores: readonly number[]): number[] {
  return indices(scores.length).sort((i, j) => (scores[i] ?? NaN) - (scores[j] ?? NaN));
}

/**
 * The clients that Bulyan averages (El Mhamdi et al., arXiv 1802.07927): θ = K - 2f times the winner of Krum among the rest.
 * @returns θ indices, ascending
 * @throws UserError unless K ≥ 4f + 3; f = 0 goes with any K
 */
export async function bulyanSelection(squared: Matrix, f: number): Promise<number[]> {
  const count = squared.rows;
  if (f > bulyanLimit(count)) {
    throw new UserError(`bulyan: ${count} clients allow f up to ${bulyanLimit(count)}, got ${f}`);
  }
  let rest = indices(count);
  const selected: number[] = [];
  // Sorted once: every winner only drops out of the others' lists.
  let others = rest.map((i) => othersByDistance(squared, i));
  const breathe = breather();
  while (selected.length < count - 2 * f) {
    const scores = rest.map((i) => scoreOf(squared.column(i), others[i] ?? [], f, rest.length));
    const winner = rest[byScore(scores)[0] ?? NaN] ?? NaN;
    selected.push(winner);
    rest = rest.filter((i) => i !== winner);
    others = others.map((list) => list.filter((i) => i !== winner));
    await breathe();
  }
  return selected.sort((i, j) => i - j);
}

/** The largest f with K ≥ 4f + 3; 0 for fewer than seven clients, where Bulyan is the mean. */
export function bulyanLimit(count: number): number {
  return Math.max(0, Math.floor((count - 3) / 4));
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}
