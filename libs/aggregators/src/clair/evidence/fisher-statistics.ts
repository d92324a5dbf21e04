import { at, item } from "@fedclair/linalg";
import { logTail } from "./t-tail.js";

/** One statistic of every client; large is bad. */
export interface Piece {
  readonly values: Float64Array;
  /** The least deviation that clients differ by: closer ones are not told apart. In units of the values. */
  readonly floor: number;
}

/**
 * −2·ln p of every client, by piece: p that a client like the members is as large, by Student's prediction of one more from
 * their mean and deviation (n − 1 degrees of freedom). Under the null each is χ² with 2 degrees of freedom, and so a sum of P
 * independent ones has 2P (Fisher).
 * @param members at least two
 * @returns by piece, by client
 */
export function computeFisherStatistics(
  pieces: readonly Piece[],
  members: readonly number[],
): Float64Array[] {
  return pieces.map((piece) => {
    const own = new Float64Array(piece.values.length);
    addFisherStatistics(piece, members, own);
    return own;
  });
}

/** The sums of a client's surprises over pieces, by client. */
export function sumFisherStatistics(
  pieces: readonly Piece[],
  members: readonly number[],
): Float64Array {
  const sums = new Float64Array(item(pieces, 0).values.length);
  for (const piece of pieces) addFisherStatistics(piece, members, sums);
  return sums;
}

/** One loop without calls of closures: a null law takes millions of surprises. */
function addFisherStatistics(
  { values, floor }: Piece,
  members: readonly number[],
  sums: Float64Array,
): void {
  const n = members.length;
  let mean = 0;
  for (const k of members) mean += at(values, k) / n;
  let square = 0;
  for (const k of members) square += (at(values, k) - mean) ** 2 / (n - 1);
  const scale = Math.max(Math.sqrt(square), floor) * Math.sqrt(1 + 1 / n);
  for (let k = 0; k < sums.length; k++) {
    sums[k] = at(sums, k) - 2 * logTail((at(values, k) - mean) / scale, n - 1);
  }
}
