import { fit, fitsWithoutOne, tangentOf, tangents, type Bases, type Problem } from "./fit.js";
import type { ClairOptions } from "./options.js";
import { cutOf, type Cut } from "./rules.js";

export interface Detection extends Cut {
  /** Indices of the clients that are benign, ascending. */
  readonly benign: readonly number[];
  /** The space fitted to them. */
  readonly bases: Bases;
  /** By client: the tangent of its angle to the space fitted without it, blended with earlier rounds. */
  readonly scores: readonly number[];
}

/**
 * Step 5: from the clients that fit best, alternates between fitting the space to those thought benign and scoring all
 * against it, until the set stays.
 * @param start the H clients of the search
 * @param earlier ln of each client's score over its earlier rounds; undefined for a client seen first
 */
export function detect(
  problem: Problem,
  start: readonly number[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
): Detection {
  const seen = new Set([start.join()]);
  let members = start;
  let bases: Bases | undefined;
  for (let refit = 1; ; refit++) {
    bases = fit(problem, members, bases);
    const scores = scoresOf(problem, bases, members, options).map((t, k) =>
      blend(t, earlier[k], options),
    );
    const cut = cutOf(scores, options);
    const below = [...scores.keys()].filter((k) => (scores[k] ?? 0) <= cut.threshold);
    const benign = below.length > 0 ? below : [...scores.keys()];
    const key = benign.join();
    if (key === members.join()) return { ...cut, benign, bases, scores };
    if (seen.has(key) || refit === options.refits) {
      return { ...cut, benign, bases: fit(problem, benign, bases), scores };
    }
    seen.add(key);
    members = benign;
  }
}

/** Too few clients to tell: all count as benign, scored against their common fit. */
export function withoutDetection(problem: Problem): Detection {
  const benign = Array.from({ length: problem.size }, (_, k) => k);
  const bases = fit(problem, benign);
  const scores = tangents(problem, bases);
  return { benign, bases, scores, threshold: Infinity, gap: 1 };
}

/**
 * Members are scored against the fit without them: a client in the fit pulls the space towards itself, so with few
 * clients the widest gap would lie between members and the rest, whoever is contaminated.
 */
function scoresOf(
  problem: Problem,
  bases: Bases,
  members: readonly number[],
  { loo, looMax }: ClairOptions,
): number[] {
  const scores = tangents(problem, bases);
  if (loo && members.length > 1 && members.length <= looMax) {
    for (const { left, bases: others } of fitsWithoutOne(problem, members, bases)) {
      scores[left] = tangentOf(problem, others, left);
    }
  }
  return scores;
}

function blend(
  score: number,
  earlier: number | undefined,
  { memoryBeta, scoreFloor }: ClairOptions,
): number {
  if (earlier === undefined) return score;
  const now = Math.log(Math.max(score, scoreFloor));
  return Math.exp((1 - memoryBeta) * now + memoryBeta * earlier);
}
