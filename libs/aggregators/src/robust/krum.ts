import { UserError } from "@fedclair/core";
import { mean, meanAroundMedian, type Vector } from "./coordinates.js";
import { distance } from "./norms.js";

/** What a rule makes of the vectors, and the indices of those that it used. */
export interface Selection {
  readonly vector: Float64Array;
  /** Ascending. */
  readonly selected: readonly number[];
}

/** Krum (Blanchard et al., NeurIPS 2017): the vector closest to its K - f - 2 neighbours. @param f clients that may be contaminated */
export function krum(vectors: readonly Vector[], f: number): Selection {
  return multiKrum(vectors, f, 1);
}

/** Multi-Krum: the mean of the m best vectors by Krum's score, computed once. @param m K - f by default */
export function multiKrum(
  vectors: readonly Vector[],
  f: number,
  m: number = vectors.length - f,
): Selection {
  const scores = krumScores(vectors, f);
  const best = [...scores.keys()].sort((i, j) => (scores[i] ?? 0) - (scores[j] ?? 0));
  const selected = best.slice(0, m).sort((i, j) => i - j);
  return { vector: mean(at(vectors, selected)), selected };
}

/**
 * Bulyan (El Mhamdi et al., arXiv 1802.07927): K - 2f times the winner of Krum among the rest, then per coordinate the mean of
 * the θ - 2f values closest to the median.
 * @throws UserError unless K ≥ 4f + 3
 */
export function bulyan(vectors: readonly Vector[], f: number): Selection {
  const k = vectors.length;
  if (k < 4 * f + 3) {
    throw new UserError(`bulyan: ${k} clients allow f up to ${Math.floor((k - 3) / 4)}, got ${f}`);
  }
  const rest = [...vectors.keys()];
  const selected: number[] = [];
  while (selected.length < k - 2 * f) {
    const scores = krumScores(at(vectors, rest), f);
    selected.push(...rest.splice(scores.indexOf(Math.min(...scores)), 1));
  }
  selected.sort((i, j) => i - j);
  const chosen = at(vectors, selected);
  return { vector: meanAroundMedian(chosen, chosen.length - 2 * f), selected };
}

/** The sum of the K - f - 2 smallest squared distances to the others, of at least one. */
function krumScores(vectors: readonly Vector[], f: number): number[] {
  const neighbours = Math.max(1, vectors.length - f - 2);
  return vectors.map((v, i) => {
    const squared = vectors.filter((_, j) => j !== i).map((w) => distance(v, w) ** 2);
    return squared
      .sort((x, y) => x - y)
      .slice(0, neighbours)
      .reduce((total, x) => total + x, 0);
  });
}

/** @param indices ascending */
function at(vectors: readonly Vector[], indices: readonly number[]): readonly Vector[] {
  return vectors.filter((_, k) => indices.includes(k));
}
