import { toMatrix, toTensor, type LowRank } from "@fedclair/core";
import { dot, hstack, Matrix, multiply, multiplyNT, multiplyTN, item, at } from "@fedclair/linalg";

/** A matrix stored as the product B·A, with B p×r and A r×q, and never multiplied out. */
export interface Factors {
  readonly b: Matrix;
  readonly a: Matrix;
}

export function toFactors({ b, a }: LowRank): Factors {
  return { b: toMatrix(b), a: toMatrix(a) };
}

export function toLowRank({ b, a }: Factors): LowRank {
  return { b: toTensor(b), a: toTensor(a) };
}

/**
 * Computes Σ_k w_k·B_k·A_k as [B_1 … B_K]·[w_1·A_1; …; w_K·A_K]. The result is exact and has rank Σ
 * r_k; the weights are applied to A only.
 */
export function stackFactors(pairs: readonly Factors[], weights: ArrayLike<number>): Factors {
  const rank = pairs.reduce((total, { a }) => total + a.rows, 0);
  const stacked = new Matrix(rank, pairs[0]?.a.cols ?? 0);
  let top = 0;
  pairs.forEach(({ a }, k) => {
    const weight = item(weights, k);
    for (let j = 0; j < a.cols; j++) {
      const to = top + j * rank;
      const from = j * a.rows;
      for (let i = 0; i < a.rows; i++) stacked.data[to + i] = weight * at(a.data, from + i);
    }
    top += a.rows;
  });
  return { b: hstack(pairs.map(({ b }) => b)), a: stacked };
}

/** ⟨B₁A₁, B₂A₂⟩ = Σ of the entrywise product of B₁ᵀB₂ and A₁A₂ᵀ. */
export function innerProduct(x: Factors, y: Factors): number {
  return dot(multiplyTN(x.b, y.b), multiplyNT(x.a, y.a));
}

/** The product B·A as a p×q matrix, for tests and for modules that some clients send dense. */
export function product({ b, a }: Factors): Matrix {
  return multiply(b, a);
}

/** The columns of a stack that belong to each block, as views without a copy. */
export function sliceColumns(stack: Matrix, blocks: readonly Pick<Matrix, "cols">[]): Matrix[] {
  let from = 0;
  return blocks.map(({ cols }) => stack.columns(from, (from += cols)));
}
