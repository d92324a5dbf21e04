import { item, indices, zip } from "@fedclair/linalg";
import {
  computeTangents,
  minBenignCount,
  scoreFloor,
  type Energies,
  type SpaceOptions,
  type Views,
} from "./view-measures.js";

/** The clients inside the shared space, with the scores of all clients. */
export interface Decomposition extends Cut {
  /** Indices of the clients inside the space, ascending. */
  readonly inside: readonly number[];
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
  options: CutOptions,
  passes = maxPasses,
): Promise<Decomposition> {
  const visited = new Set([start.join()]);
  let members = start;
  for (let pass = 1; ; pass++) {
    const energies = await measureEnergies(views, members);
    const scores = computeTangents(energies).map((score, k) => blend(score, earlier[k]));
    const cut = findCut(scores, options);
    const benign = listBenign(cut, scores);
    const key = benign.join();
    if (visited.has(key) || pass === passes) return { ...cut, inside: benign, scores, energies };
    visited.add(key);
    members = benign;
  }
}

/** With more members, one member hardly moves the fit, and a fit without each takes too long. */
export const maxLeftOut = 128;

/**
 * Measures members against the fit without them. A client in the fit pulls the space towards
 * itself; with few clients the widest gap would otherwise lie between members and the rest,
 * whatever clients are contaminated.
 */
export async function measureEnergies(
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
export async function skipDetection(views: Views, minClients: number): Promise<Decomposition> {
  const benign = indices(views.size);
  const energies = await views.fit(benign);
  const scores = computeTangents(energies);
  const undecided = `too few clients: ${views.size} of at least ${minClients}`;
  return { inside: benign, scores, energies, threshold: Infinity, gap: 1, undecided };
}

/** The threshold between benign and contaminated scores. */
interface Cut {
  /** Scores above the threshold are contaminated; Infinity means none are. */
  readonly threshold: number;
  /**
   * The ratio of neighbouring sorted scores at the lowest cut; without a cut, the largest ratio, at
   * least 1.
   */
  readonly gap: number;
  /** The reason for a missing threshold. No client is judged then. */
  readonly undecided?: string;
}

/**
 * The smallest ratio of neighbouring scores that usually counts as a gap. Scores of benign clients
 * alone rarely have a ratio of 1.3 beyond the closest half; 1.2 is better with ten clients and weak
 * signals (`trials/text-copy/synthetic.yaml`).
 */
export const usualMinGap = 1.3;

/**
 * The smallest ratio for further gaps below the first one. It is above `usualMinGap`, because a
 * first gap has been found already and the scores below it are mostly benign.
 */
export const minFurtherGap = 1.6;

/** How the threshold between scores is found. */
export interface CutOptions extends Pick<SpaceOptions, "minBenignFraction"> {
  /** The smallest ratio of neighbouring scores that counts as a gap, above 1. */
  readonly minGap: number;
}

/**
 * Finds the threshold for the scores of a round (step 5). It cuts at the widest gap beyond the H
 * smallest scores, then again below it, so that one huge score does not mask a smaller outlier.
 * @param scores tangents ≥ 0 of all active clients
 */
export function findCut(scores: readonly number[], options: CutOptions): Cut {
  const sorted = scores.map((t) => Math.max(t, scoreFloor)).sort((x, y) => x - y);
  const h = minBenignCount(scores.length, options);
  const { minGap } = options;
  let { position, ratio } = findWidestGap(sorted, h, sorted.length);
  if (ratio < minGap) {
    const undecided = `no threshold: the widest gap between scores is ${ratio.toPrecision(3)}, minGap is ${minGap}`;
    return { threshold: Infinity, gap: ratio, undecided };
  }
  for (;;) {
    const cut = {
      threshold: Math.sqrt(item(sorted, position) * item(sorted, position - 1)),
      gap: ratio,
    };
    ({ position, ratio } = findWidestGap(sorted, h, position));
    if (ratio < minFurtherGap) return cut;
  }
}

/** Indices of the clients at or below the threshold. */
function listBenign({ threshold }: Cut, scores: readonly number[]): number[] {
  return indices(scores.length).filter((k) => item(scores, k) <= threshold);
}

/**
 * The largest ratio of a score to the previous one, at positions `from` … `to` - 1; the first of
 * equal ratios.
 */
function findWidestGap(sorted: readonly number[], from: number, to: number) {
  let best = { position: from, ratio: 1 };
  for (let position = Math.max(from, 1); position < to; position++) {
    const ratio = item(sorted, position) / item(sorted, position - 1);
    if (ratio > best.ratio) best = { position, ratio };
  }
  return best;
}
