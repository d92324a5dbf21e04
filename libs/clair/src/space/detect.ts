import { item, indices, zip } from "@fedclair/linalg";
import { leastClients, type ClairOptions } from "../options.js";
import { computeTangents, type Energies, type Views } from "./views.js";
import { listBenign, findCut, scoreFloor, type Cut } from "./threshold.js";

/** The clients inside the shared space, with the scores of all clients. */
export interface Detection extends Cut {
  /** Indices of the benign clients, ascending. */
  readonly benign: readonly number[];
  /**
   * Scores by client: the tangent of its angle to the space fitted without it, blended with earlier
   * rounds.
   */
  readonly scores: readonly number[];
  /**
   * The energies behind the last scores, before they are blended, by view; a client of the fit has
   * those for the fit without it.
   */
  readonly energies: readonly Energies[];
}

/**
 * Most alternations of fitting and scoring. Sets that do not repeat are rare, and a few passes are
 * enough for the others.
 */
const maxPasses = 10;

/**
 * Step 5: starts from the clients that fit best and alternates between fitting the space to the
 * benign clients and scoring all clients against it, until the set stays the same.
 * @param start the H clients that the search returned
 * @param earlier ln of each client's score over its earlier rounds; undefined for a new client
 * @param passes largest number of alternations
 */
export async function detect(
  views: Views,
  start: readonly number[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
  passes = maxPasses,
): Promise<Detection> {
  const visited = new Set([start.join()]);
  let members = start;
  for (let pass = 1; ; pass++) {
    const energies = await measureEnergies(views, members);
    const scores = computeTangents(energies).map((score, k) => blend(score, earlier[k]));
    const cut = findCut(scores, options);
    const benign = listBenign(cut, scores);
    const key = benign.join();
    if (visited.has(key) || pass === passes) return { ...cut, benign, scores, energies };
    visited.add(key);
    members = benign;
  }
}

/** With more members, one member hardly moves the fit, and a fit without each takes too long. */
const maxLeftOut = 128;

/**
 * Measures members against the fit without them. A client in the fit pulls the space towards
 * itself; with few clients the widest gap would otherwise lie between members and the rest,
 * whatever clients are contaminated.
 */
async function measureEnergies(
  views: Views,
  members: readonly number[],
): Promise<readonly Energies[]> {
  const whole = await views.fit(members);
  if (members.length <= 1 || members.length > maxLeftOut) return whole;
  const without = await views.leaveOut(members, members.length);
  return zip(whole, without).map(([all, own]) => ({
    inside: replaceAt(all.inside, members, own.inside),
    outside: replaceAt(all.outside, members, own.outside),
  }));
}

/** A copy of numbers with others at some places. */
function replaceAt(
  numbers: Float64Array,
  places: readonly number[],
  others: Float64Array,
): Float64Array {
  const copy = numbers.slice();
  places.forEach((place, i) => {
    copy[place] = item(others, i);
  });
  return copy;
}

/** Weight of a client's earlier rounds in the logarithm of its score. */
const memoryWeight = 0.5;

function blend(score: number, earlier: number | undefined): number {
  if (earlier === undefined) return score;
  const now = Math.log(Math.max(score, scoreFloor));
  return Math.exp((1 - memoryWeight) * now + memoryWeight * earlier);
}

/**
 * Treats all clients as benign and scores them against their common fit, for rounds with too few
 * clients.
 */
export async function skipDetection(
  views: Views,
  options: Pick<ClairOptions, "rule">,
): Promise<Detection> {
  const benign = indices(views.size);
  const energies = await views.fit(benign);
  const scores = computeTangents(energies);
  const undecided = `too few clients: ${views.size} of at least ${leastClients(options)}`;
  return { benign, scores, energies, threshold: Infinity, gap: 1, undecided };
}
