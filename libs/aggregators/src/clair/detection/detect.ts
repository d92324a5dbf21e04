import { item } from "@fedclair/linalg";
import { indices, zip } from "../lists.js";
import { leastClients, type ClairOptions } from "../options.js";
import { computeTangents, type Views } from "../subspace/views.js";
import { listBenign, findCut, type Cut } from "./threshold.js";

/** Who is in the shared space, and which space that is. */
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
  views: Views,
  start: readonly number[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
): Promise<Detection> {
  const visited = new Set([start.join()]);
  let members = start;
  for (let pass = 1; ; pass++) {
    const scores = (await computeScores(views, members, options)).map((score, k) =>
      blend(score, earlier[k], options),
    );
    const cut = findCut(scores, options);
    const benign = listBenign(cut, scores);
    const key = benign.join();
    if (visited.has(key) || pass === options.refits) return { ...cut, benign, scores };
    visited.add(key);
    members = benign;
  }
}

/**
 * Members are scored against the fit without them: a client in the fit pulls the space towards itself, so with few
 * clients the widest gap would lie between members and the rest, whoever is contaminated.
 */
async function computeScores(
  views: Views,
  members: readonly number[],
  { leaveOneOut, leaveOneOutMax }: ClairOptions,
): Promise<number[]> {
  const scores = computeTangents(views, await views.fit(members));
  if (leaveOneOut && members.length > 1 && members.length <= leaveOneOutMax) {
    const without = computeTangents(views, await views.leaveOut(members, members.length));
    for (const [member, score] of zip(members, without)) scores[member] = score;
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

/** Too few clients to tell: all count as benign, scored against their common fit. */
export async function skipDetection(
  views: Views,
  options: Pick<ClairOptions, "rule" | "minClients">,
): Promise<Detection> {
  const benign = indices(views.size);
  const scores = computeTangents(views, await views.fit(benign));
  const undecided = `too few clients: ${views.size} of at least ${leastClients(options)}`;
  return { benign, scores, threshold: Infinity, gap: 1, undecided };
}

/** Below it a block of S is what the solver leaves of zero. */
const minBlockNorm = 1e-3;

/**
 * Steps 4 and 5 by the convex program in place of the search, as a cross-check: a client's score is the norm of its block of S,
 * which is zero for benign clients, over its views as a root mean square. Colluders on one line beat it beyond a share of 1/r of
 * the clients (λ is in the middle of its valid range, 1.05·sqrt(2r/K)); there is no memory of earlier rounds.
 */
export async function detectConvex(views: Views, options: ClairOptions): Promise<Detection> {
  const norms = await views.pursueOutliers();
  const scores = indices(views.size).map((k) => {
    const square = norms.reduce((total, ofView) => total + item(ofView, k) ** 2, 0);
    const changed = views.isZero.filter((ofView) => !item(ofView, k)).length;
    return Math.sqrt(square / Math.max(1, changed));
  });
  const cut = findCut(scores, {
    ...options,
    scoreFloor: Math.max(options.scoreFloor, minBlockNorm),
  });
  const benign = listBenign(cut, scores);
  return { ...cut, benign, scores };
}
