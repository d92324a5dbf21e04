import { item } from "@fedclair/linalg";
import { indices, zip } from "../lists.js";
import { leastClients, type ClairOptions } from "../options.js";
import { computeTangents, type Views } from "../subspace/views.js";
import { listBenign, findCut, type Cut } from "./threshold.js";

/** The clients inside the shared space, with the scores of all clients. */
export interface Detection extends Cut {
  /** Indices of the benign clients, ascending. */
  readonly benign: readonly number[];
  /**
   * Scores by client: the tangent of its angle to the space fitted without it, blended with earlier
   * rounds.
   */
  readonly scores: readonly number[];
}

/**
 * Step 5: starts from the clients that fit best and alternates between fitting the space to the
 * benign clients and scoring all clients against it, until the set stays the same.
 * @param start the H clients that the search returned
 * @param earlier ln of each client's score over its earlier rounds; undefined for a new client
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
 * Scores members against the fit without them. A client in the fit pulls the space towards itself;
 * with few clients the widest gap would otherwise lie between members and the rest, whatever
 * clients are contaminated.
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

/**
 * Treats all clients as benign and scores them against their common fit, for rounds with too few
 * clients.
 */
export async function skipDetection(
  views: Views,
  options: Pick<ClairOptions, "rule" | "minClients">,
): Promise<Detection> {
  const benign = indices(views.size);
  const scores = computeTangents(views, await views.fit(benign));
  const undecided = `too few clients: ${views.size} of at least ${leastClients(options)}`;
  return { benign, scores, threshold: Infinity, gap: 1, undecided };
}

/** Blocks of S below this norm are zero up to the accuracy of the solver. */
const minBlockNorm = 1e-3;

/**
 * Runs steps 4 and 5 with the convex program in place of the search, as a cross-check. A client's
 * score is the norm of its block of S, as a root mean square over its views; it is zero for benign
 * clients. Colluders on one line defeat it beyond a share of 1/r of the clients. λ is in the middle
 * of its valid range, 1.05·sqrt(2r/K). Scores of earlier rounds are not used.
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
