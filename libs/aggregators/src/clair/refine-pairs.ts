import { tensorOf, type LowRank } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  hstack,
  leadingLeft,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  thinQr,
} from "@fedclair/linalg";
import type { Factors } from "../factors.js";
import { isFactored } from "./change.js";
import { compressLowRank } from "./compress.js";
import type { Refined } from "./refine-module.js";

/** A refined change as one LoRA pair. */
export interface RefinedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
}

type Compressed = ReturnType<typeof compressLowRank>;

/**
 * Every client's Π(X_k) + c·M̂ of one module as the best pair of a rank, of factors of equal weight.
 * @param rankOf wanted of a client, ≥ 1; a pair is filled up with zeros where the change has less
 * @throws TypeError if the changes are dense
 */
export function asPairs(
  { personal, shared, share }: Refined,
  rankOf: (id: string) => number,
): Map<string, RefinedPair> {
  if (!isFactored(shared)) throw new TypeError("only factored changes can be refined into pairs");
  const [first] = personal.values();
  if (first === undefined) return new Map();
  const compress =
    share > 0
      ? withShared(shared, first)
      : (own: Factors, rank: number) => compressLowRank(own.b, own.a, rank);
  return new Map(
    [...personal].map(([id, own]) => {
      const rank = rankOf(id);
      const { b, a, tail } = compress(own, rank);
      const pair = { b: tensorOf(widened(b, rank)), a: tensorOf(heightened(a, rank)) };
      return [id, { pair, tail }];
    }),
  );
}

/**
 * Compresses own + shared in coordinates that serve all clients: the shared factors are stacked of everybody's, so together with
 * the space, which one factor of each own part is, they span all own parts.
 */
function withShared(shared: Factors, one: Factors): (own: Factors, rank: number) => Compressed {
  const left = thinQr(hstack([one.b, shared.b])).q;
  const right = thinQr(hstack([one.a.transpose(), shared.a.transpose()])).q;
  const inCoordinates = ({ b, a }: Factors) => multiply(multiplyTN(left, b), multiply(a, right));
  const core = inCoordinates(shared);
  return (own, rank) => {
    const sum = inCoordinates(own);
    addScaled(sum, 1, core);
    const leading = leadingLeft([sum], Math.min(rank, sum.rows));
    const coefficients = multiplyTN(leading, sum);
    const { b, a } = compressLowRank(leading, coefficients, rank);
    const [whole, kept] = [frobenius(sum), frobenius(coefficients)];
    const tail = whole === 0 ? 0 : Math.max(0, 1 - (kept / whole) ** 2);
    return { b: multiply(left, b), a: multiplyNT(a, right), tail };
  };
}

function widened(matrix: Matrix, cols: number): Matrix {
  return hstack([matrix, new Matrix(matrix.rows, cols - matrix.cols)]);
}

function heightened(matrix: Matrix, rows: number): Matrix {
  return widened(matrix.transpose(), rows).transpose();
}
