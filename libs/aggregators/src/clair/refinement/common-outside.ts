import {
  dot,
  frobenius,
  item,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  stream,
  sum,
  thinQr,
} from "@fedclair/linalg";
import type { Factors } from "../../factors.js";
import { largeCommonPart, fitCommonScale } from "../common-part.js";
import { zip } from "../lists.js";
import { inner, isFactored, largestRank, type Change } from "../subspace/change.js";

/** What clients have in common outside the space, and how often each has it. */
export interface CommonOutside {
  /** Their mean; of factors what lies in its leading directions. */
  readonly part: Change;
  /** Once, where it is no large part of what they have there; or but for chance. */
  readonly times: readonly number[];
}

/**
 * Clients who take more steps have what all learn more often; to give all of them the same of a large common part would be an error larger than what
 * refining takes away.
 * @param outside O_k
 * @param lengths |O_k|
 * @param cuts what O_k counts times in the mean, so that nobody's is long there; of its own a client has as much as it has
 * @param mean M̂ = Σ w_k·cut_k·O_k
 */
export function findCommonOutside(
  outside: readonly Change[],
  lengths: readonly number[],
  cuts: readonly number[],
  mean: Change,
  weights: ArrayLike<number>,
): CommonOutside {
  const squares = lengths.map((length) => length ** 2);
  const cut = squares.map((own, k) => own * item(cuts, k) ** 2);
  const weighted = (power: number) => sum(cut.map((x, k) => x * item(weights, k) ** power));
  const { part, square, along } = isFactored(mean)
    ? findLeadingPart(mean, largestRank(outside))
    : { part: mean, square: frobenius(mean) ** 2, along: (own: Change) => inner(own, mean) };
  // Of parts that have nothing in common the mean has Σ w_k²·|O_k|².
  const isLarge = square - weighted(2) >= largeCommonPart * weighted(1);
  const times = zip(squares, outside).map(([own, change]) =>
    isLarge ? fitCommonScale(own, along(change), square) : 1,
  );
  return { part, times };
}

/** Directions beside those sought, which make it likely that these are found. */
const oversampling = 4;

/**
 * By a random look at the mean (Halko, Martinsson and Tropp, arXiv 0909.4061), which has as many columns as all changes together: what many
 * changes of a rank have in common has no higher one.
 */
function findLeadingPart({ b, a }: Factors, rank: number) {
  const width = Math.min(rank + oversampling, b.rows, a.cols);
  const probes = new Matrix(a.cols, width, stream("common part").normals(a.cols * width));
  const { q } = thinQr(multiply(b, multiply(a, probes)));
  const projected = multiply(multiplyTN(q, b), a);
  const along = (change: Change) => {
    if (!isFactored(change)) throw new TypeError("commonOutside: a dense and a factored change");
    return dot(multiplyTN(q, change.b), multiplyNT(projected, change.a));
  };
  return { part: { b: q, a: projected }, square: frobenius(projected) ** 2, along };
}
