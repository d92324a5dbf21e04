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
export function surprises(pieces: readonly Piece[], members: readonly number[]): Float64Array[] {
  const n = members.length;
  return pieces.map(({ values, floor }) => {
    let mean = 0;
    for (const k of members) mean += at(values, k) / n;
    let square = 0;
    for (const k of members) square += (at(values, k) - mean) ** 2 / (n - 1);
    const scale = Math.max(Math.sqrt(square), floor) * Math.sqrt(1 + 1 / n);
    return values.map((value) => -2 * logTail((value - mean) / scale, n - 1));
  });
}

/** Sums over pieces, by client. */
export function totals(bySurprise: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(item(bySurprise, 0).length);
  for (const own of bySurprise) own.forEach((x, k) => (sums[k] = at(sums, k) + x));
  return sums;
}
