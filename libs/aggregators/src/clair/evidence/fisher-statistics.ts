import { at, item } from "@fedclair/linalg";
import { logTail } from "./t-tail.js";

/** One statistic of every client; large values count against a client. */
export interface Piece {
  readonly values: Float64Array;
  /**
   * The smallest deviation between clients, in units of the values. Closer values are not
   * separated.
   */
  readonly floor: number;
}

/**
 * Computes −2·ln p of every client by piece, where p is the probability that a client like the
 * members has at least this value. It is Student's prediction of one more value from the members'
 * mean and deviation, with n − 1 degrees of freedom. Under the null law each statistic is χ² with 2
 * degrees of freedom, so a sum of P independent ones is χ² with 2P (Fisher).
 * @param members at least two
 * @returns statistics by piece, then by client
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

/** Sums of the Fisher statistics over pieces, by client. */
export function sumFisherStatistics(
  pieces: readonly Piece[],
  members: readonly number[],
): Float64Array {
  const sums = new Float64Array(item(pieces, 0).values.length);
  for (const piece of pieces) addFisherStatistics(piece, members, sums);
  return sums;
}

/** A single loop without closures, because simulating a null law needs millions of statistics. */
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
