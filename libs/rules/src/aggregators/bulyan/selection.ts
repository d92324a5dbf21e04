import { UserError, yieldToEventLoop } from "@fedclair/core";
import { at, indices, item, type Matrix } from "@fedclair/linalg";
import { sortByScore, countNeighbours } from "../krum/scores.js";

/**
 * Selects the clients that Bulyan averages (El Mhamdi et al., arXiv 1802.07927): θ = K - 2f times,
 * the winner of Krum among the remaining clients.
 * @returns θ indices, ascending
 * @throws UserError unless K ≥ 4f + 3; f = 0 works with any K
 */
export async function selectByBulyan(squared: Matrix, f: number): Promise<number[]> {
  const count = squared.rows;
  if (f > maxBulyanF(count)) {
    throw new UserError(`bulyan: ${count} clients allow f up to ${maxBulyanF(count)}, got ${f}`);
  }
  const alive = new Uint8Array(count).fill(1);
  const lists = indices(count).map((i) => sortOthersByDistance(squared, i));
  const selected: number[] = [];
  while (selected.length < count - 2 * f) {
    const rest = indices(count).filter((i) => alive[i] === 1);
    const wanted = countNeighbours(rest.length, f);
    const scores = rest.map((i) => scoreAmong(alive, squared.column(i), lists[i] ?? [], wanted));
    const winner = item(rest, item(sortByScore(scores), 0));
    selected.push(winner);
    alive[winner] = 0;
    await yieldToEventLoop();
  }
  return selected.sort((i, j) => i - j);
}

/**
 * Sums the first `wanted` distances to clients that have not been selected yet.
 * @param alive 1 for clients that have not been selected
 * @param others all other clients, by ascending distance
 */
function scoreAmong(
  alive: Uint8Array,
  distances: Float64Array,
  others: readonly number[],
  wanted: number,
): number {
  let score = 0;
  let left = wanted;
  for (const j of others) {
    if (left === 0) break;
    if (alive[j] !== 1) continue;
    score += at(distances, j);
    left--;
  }
  return score;
}

function sortOthersByDistance(squared: Matrix, i: number): number[] {
  const distances = squared.column(i);
  return indices(squared.rows)
    .filter((j) => j !== i)
    .sort((j, k) => at(distances, j) - at(distances, k));
}

/**
 * The largest f with K ≥ 4f + 3. It is 0 for fewer than seven clients, where Bulyan is the mean.
 */
export function maxBulyanF(count: number): number {
  return Math.max(0, Math.floor((count - 3) / 4));
}
