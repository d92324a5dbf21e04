import { tensorOf, type LowRank } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  hstack,
  leadingLeft,
  leadingSpace,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  thinQr,
} from "@fedclair/linalg";
import type { Factors } from "../factors.js";
import { isFactored, type Change } from "./change.js";
import { compressLowRank } from "./compress.js";
import { pairs } from "./fit.js";
import type { Refined } from "./refine-module.js";
import type { SharedSpace } from "./space.js";

/** A refined change as one LoRA pair. */
export interface RefinedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
}

type Compressed = ReturnType<typeof compressLowRank>;

/**
 * Every client's Π(X_k) + c·M̂ of one module as the best pair of the rank that its own pair has, of factors of equal weight. A pair is
 * filled up with zeros where the change has less.
 * @param changes of the same clients, in their order
 * @throws TypeError if the changes are dense
 */
export function asPairs(
  { personal, shared, share }: Refined,
  changes: readonly Change[],
  space: SharedSpace,
): Map<string, RefinedPair> {
  const sent = changes.filter(isFactored);
  if (!isFactored(shared) || sent.length < changes.length) {
    throw new TypeError("only factored changes can be refined into pairs");
  }
  const compress =
    share > 0
      ? withShared(shared, sent, space)
      : (own: Factors, rank: number) => compressLowRank(own.b, own.a, rank);
  return new Map(
    pairs([...personal], sent).map(
      ([
        [id, own],
        {
          b: { cols: rank },
        },
      ]) => {
        const { b, a, tail } = compress(own, rank);
        const pair = { b: tensorOf(widened(b, rank)), a: tensorOf(heightened(a, rank)) };
        return [id, { pair, tail }];
      },
    ),
  );
}

/** Up to so many rows the best space is found exactly; beyond, the best that a few iterations find. */
const fewRows = 256;

/** Compresses own + shared in coordinates that serve all clients: the factors that they sent, and the space, span all of it. */
function withShared(
  shared: Factors,
  sent: readonly Factors[],
  { left: u, right: v }: SharedSpace,
): (own: Factors, rank: number) => Compressed {
  const left = thinQr(hstack([...(u ? [u] : []), ...sent.map(({ b }) => b)])).q;
  const right = thinQr(hstack([...(v ? [v] : []), ...sent.map(({ a }) => a.transpose())])).q;
  const inCoordinates = ({ b, a }: Factors) => multiply(multiplyTN(left, b), multiply(a, right));
  const core = inCoordinates(shared);
  return (own, rank) => {
    const sum = inCoordinates(own);
    addScaled(sum, 1, core);
    const wanted = Math.min(rank, sum.rows);
    const timesGram = (x: Matrix) => multiply(sum, multiplyTN(sum, x));
    const leading =
      sum.rows <= fewRows
        ? leadingLeft([sum], wanted)
        : leadingSpace(timesGram, multiplyTN(left, own.b), wanted, { restarts: 2 }).basis;
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
