import { at, indices, item, pick, sum, zip } from "@fedclair/linalg";
import { maxLeftOut, measureEnergies } from "./detect.js";
import { pickClosest, spreadIndices, visibleShare } from "./search.js";
import {
  computeSines,
  computeTangents,
  scoreFloor,
  type Energies,
  type Views,
} from "./view-measures.js";

/** How clearly the shared space is the only one that a majority of the clients fits. */
export interface Identifiability<Client = number> {
  /**
   * The distance of the closest majority to the best other space, over the distance of the members
   * and of a majority to this one. Distances are tangents. A space at distance 1 explains nothing,
   * so without another space the margin is 1 over that distance.
   */
  readonly margin: number;
  /** Whether every smallest set of clients that can show a space was a candidate. */
  readonly complete: boolean;
  /**
   * Clients that only this space explains, and those that only the best other one does; absent if
   * the space is certified or there is no other.
   */
  readonly rivals?: readonly [own: readonly Client[], other: readonly Client[]];
}

/**
 * Above this margin a space is certified, if more than half of the clients are benign. The largest
 * margin among 2,500 rounds with a wrong space was 2.1 (`npm run lab -- margin --wrong`).
 */
export const certifiedMargin = 2.5;

/** Spaces are different if one loses this share of the energy that the other one has. */
const leastLoss = 0.02;

/** Among more clients, this many are candidates, evenly spread. */
const mostSingles = 32;

/** Up to this number of candidates, pairs of clients are tried where one shows too little. */
const mostCandidates = 256;

/** A client belongs to the nearer of two spaces if the other one is this many times farther. */
const clearRatio = 1.5;

/**
 * Measures the margin of the space that fits some clients. Other spaces are fits to the closest
 * majority of each smallest set of clients, before and after concentration steps, and fits to the
 * near and to the far half of the members: if these differ, errors are too large to know the space.
 *
 * Distances count, and not sums of squares: contaminated clients without noise would make any sum
 * small. No minority makes a wrong space the closest one of a majority, unless benign clients are
 * near it as well.
 * @param members that the space is fitted to
 * @returns undefined for so many clients that the fit without each takes too long
 */
export async function measureMargin(
  views: Views,
  members: readonly number[],
): Promise<Identifiability | undefined> {
  const { size } = views;
  if (size > maxLeftOut || members.length < 2) return undefined;
  const majority = Math.floor(size / 2) + 1;
  const { sets, complete } = await listCandidates(views);
  const tangents = toTangents(await measureEnergies(views, members));
  const byDistance = members.toSorted((i, j) => item(tangents, i) - item(tangents, j));
  const half = Math.ceil(members.length / 2);
  const spaces = [
    ...(await followEach(views, sets, majority)),
    await views.fit(byDistance.slice(0, half)),
    await views.fit(byDistance.slice(-half)),
  ];
  const fitted = await views.fit(members);
  const reach = Math.max(...pick(tangents, members), nthSmallest(tangents, majority));
  let [distance, rival] = [Infinity, [] as readonly number[]];
  for (const energies of spaces) {
    if (computeLoss(fitted, energies, members) < leastLoss) continue;
    const other = toTangents(energies);
    const least = nthSmallest(other, majority);
    if (least < distance) [distance, rival] = [least, other];
  }
  const margin = Math.min(1, distance) / reach;
  if (margin > certifiedMargin || rival.length === 0) return { margin, complete };
  return { margin, complete, rivals: [listNearer(tangents, rival), listNearer(rival, tangents)] };
}

/** Lists the smallest sets of clients that can show a space. */
async function listCandidates(
  views: Views,
): Promise<Pick<Identifiability, "complete"> & { readonly sets: readonly number[][] }> {
  const all = indices(views.size);
  const shown = spreadIndices(views.size, mostSingles).map((k) => [k]);
  const share = await visibleShare(views);
  if (share >= 1 || all.length > mostSingles) {
    return { sets: shown, complete: share >= 1 && all.length <= mostSingles };
  }
  const sets = [...shown, ...all.flatMap((i) => indices(i).map((j) => [j, i]))];
  const complete = share >= 1 / 2 && sets.length <= mostCandidates;
  return { sets: sets.slice(0, mostCandidates), complete };
}

/** The energies for all fits that concentration steps pass from sets of clients. */
async function followEach(
  views: Views,
  sets: readonly number[][],
  majority: number,
): Promise<(readonly Energies[])[]> {
  const passed = new Map<string, readonly Energies[]>();
  for (const set of sets) {
    let energies = await (set.length === 1 ? views.fitOwn(item(set, 0)) : views.fit(set));
    for (;;) {
      // Smaller sines are rounding errors, which would order the same clients anew in every step.
      const sines = computeSines(views, energies).map((sine) => Math.max(sine, scoreFloor));
      const { members } = pickClosest(sines, majority);
      const key = members.join();
      if (passed.has(key)) break;
      energies = await views.fit(members);
      passed.set(key, energies);
    }
  }
  return [...passed.values()];
}

/** The share of the members' energy inside one space that another one loses. */
function computeLoss(
  fitted: readonly Energies[],
  other: readonly Energies[],
  members: readonly number[],
): number {
  const total = (energies: readonly Energies[]) =>
    sum(energies.flatMap(({ inside }) => members.map((k) => at(inside, k))));
  return 1 - total(other) / total(fitted);
}

function toTangents(energies: readonly Energies[]): number[] {
  return computeTangents(energies).map((tangent) => Math.max(tangent, scoreFloor));
}

function nthSmallest(values: readonly number[], n: number): number {
  return item(
    values.toSorted((x, y) => x - y),
    n - 1,
  );
}

/** The clients that lie clearly nearer to one space than to another. */
function listNearer(to: readonly number[], than: readonly number[]): number[] {
  return zip(to, than).flatMap(([own, other], k) => (clearRatio * own <= other ? [k] : []));
}
