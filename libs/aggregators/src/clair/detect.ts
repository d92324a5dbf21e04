import type { ClairOptions } from "./options.js";
import type { Problem } from "./problem.js";
import { benignBy, cutOf, type Cut } from "./rules.js";
import { tangents } from "./scores.js";

/** After it the parts' current fit is the one to the benign clients. */
export interface Detection extends Cut {
  /** Indices of the clients that are benign, ascending. */
  readonly benign: readonly number[];
  /** By client: the tangent of its angle to the space fitted without it, blended with earlier rounds. */
  readonly scores: readonly number[];
}

/**
 * Step 5: from the clients that fit best, alternates between fitting the space to those thought benign and scoring all
 * against it, until the set stays.
 * @param start the H clients of the search
 * @param earlier ln of each client's score over its earlier rounds; undefined for a client seen first
 */
export async function detect(
  problem: Problem,
  start: readonly number[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
): Promise<Detection> {
  const seen = new Set([start.join()]);
  let members = start;
  for (let refit = 1; ; refit++) {
    const scores = (await scoresOf(problem, members, refit > 1, options)).map((t, k) =>
      blend(t, earlier[k], options),
    );
    const cut = cutOf(scores, options);
    const benign = benignBy(cut, scores);
    const key = benign.join();
    if (key === members.join()) return { ...cut, benign, scores };
    if (seen.has(key) || refit === options.refits) {
      await problem.parts.each("refit", benign);
      return { ...cut, benign, scores };
    }
    seen.add(key);
    members = benign;
  }
}

/** Too few clients to tell: all count as benign, scored against their common fit. */
export async function withoutDetection(problem: Problem): Promise<Detection> {
  const benign = [...Array(problem.size).keys()];
  const scores = tangents(problem, (await problem.parts.each("fit", benign)).flat());
  return { benign, scores, threshold: Infinity, gap: 1 };
}

/**
 * Members are scored against the fit without them: a client in the fit pulls the space towards itself, so with few
 * clients the widest gap would lie between members and the rest, whoever is contaminated.
 * @param near is the current fit near the one to the members?
 */
async function scoresOf(
  problem: Problem,
  members: readonly number[],
  near: boolean,
  { loo, looMax }: ClairOptions,
): Promise<number[]> {
  const { parts } = problem;
  const energies = await parts.each(near ? "refit" : "fit", members);
  const scores = tangents(problem, energies.flat());
  if (loo && members.length > 1 && members.length <= looMax) {
    const without = tangents(problem, (await parts.each("fitWithoutOne", members)).flat());
    members.forEach((member, i) => (scores[member] = without[i] ?? NaN));
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
