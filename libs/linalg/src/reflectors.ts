import { at } from "./at.js";
import { viewPart, transposeBlock, type Block } from "./block.js";
import { addProduct } from "./product.js";
import { withScratch, type Scratch } from "./scratch.js";

/**
 * A product of Householder reflectors H₀·H₁·… = I - V·T·Vᵀ (compact WY, Schreiber and Van Loan,
 * 1989).
 */
export interface Reflectors {
  /** Unit lower trapezoidal: column j is v_j of H_j = I - τ_j·v_j·v_jᵀ. */
  readonly v: Block;
  /** Upper triangular. */
  readonly t: Block;
}

/**
 * The reflectors whose vectors are stored below the diagonal of x, without their leading 1.
 * @param taus one for each column
 * @returns copies in scratch memory
 */
export function createReflectors(x: Block, taus: Float64Array, { block }: Scratch): Reflectors {
  const v = block(x.rows, x.cols);
  for (let j = 0; j < x.cols; j++) {
    const start = x.offset + j * x.across;
    v.data[j * (v.across + 1)] = 1;
    v.data.set(x.data.subarray(start + j + 1, start + x.rows), j * (v.across + 1) + 1);
  }
  const t = block(x.cols, x.cols);
  fillTriangularFactor(t, v, taus);
  return { v, t };
}

/** T[0…j, j] = -τ_j·T[0…j, 0…j]·(Vᵀ·v_j)[0…j], T[j, j] = τ_j (LAPACK dlarft). */
function fillTriangularFactor(t: Block, v: Block, taus: Float64Array): void {
  withScratch(({ block }) => {
    const gram = block(v.cols, v.cols);
    addProduct(gram, transposeBlock(v), v);
    const x = t.data;
    for (let j = 0; j < v.cols; j++) {
      const column = j * t.across;
      const tau = at(taus, j);
      for (let l = 0; l < j; l++) {
        const factor = tau * at(gram.data, l + j * gram.across);
        for (let i = 0; i <= l; i++) {
          x[column + i] = at(x, column + i) - at(x, l * t.across + i) * factor;
        }
      }
      x[column + j] = tau;
    }
  });
}

/** Multiplies the last rows of x by I - V·T·Vᵀ or its transpose (LAPACK dlarfb). */
export function applyReflectors({ v, t }: Reflectors, x: Block, transpose = false): void {
  const rows = viewPart(x, x.rows - v.rows, x.rows, 0, x.cols);
  withScratch(({ block }) => {
    const inner = block(v.cols, x.cols);
    const product = block(v.cols, x.cols);
    addProduct(inner, transposeBlock(v), rows);
    addProduct(product, transpose ? transposeBlock(t) : t, inner);
    addProduct(rows, v, product, -1);
  });
}
