import { UserError } from "@fedclair/core";
import { sum, type Matrix } from "@fedclair/linalg";

/**
 * Krum's scores (Blanchard et al., NeurIPS 2017): the sum of the K - f - 2 smallest squared distances to the others, of one
 * at least.
 * @param squared distances, K×K
 * @param f clients that may be contaminated
 * @param among score only these, among themselves; all by default
 * @returns in the order of `among`
 */
export function krumScores(
  squared: Matrix,
  f: number,
  among: readonly number[] = indices(squared.rows),
): number[] {
  const neighbours = Math.max(1, among.length - f - 2);
  return among.map((i) => {
    const others = Float64Array.from(
      among.filter((j) => j !== i),
      (j) => squared.get(i, j),
    );
    return sum(others.sort().subarray(0, neighbours));
  });
}

/** Indices by rising score, the first of equal ones first. */
export function byScore(scores: readonly number[]): number[] {
  return indices(scores.length).sort((i, j) => (scores[i] ?? NaN) - (scores[j] ?? NaN));
}

/**
 * The clients that Bulyan averages (El Mhamdi et al., arXiv 1802.07927): θ = K - 2f times the winner of Krum among the rest.
 * @returns θ indices, ascending
 * @throws UserError unless K ≥ 4f + 3
 */
export function bulyanSelection(squared: Matrix, f: number): number[] {
  const count = squared.rows;
  if (f > bulyanLimit(count)) {
    throw new UserError(`bulyan: ${count} clients allow f up to ${bulyanLimit(count)}, got ${f}`);
  }
  const rest = indices(count);
  const selected: number[] = [];
  while (selected.length < count - 2 * f) {
    const [winner = 0] = byScore(krumScores(squared, f, rest));
    selected.push(...rest.splice(winner, 1));
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
