import {
  frobenius,
  hstack,
  leadingLeft,
  multiply,
  multiplyNT,
  multiplyTN,
  subtract,
  thinQr,
  type Matrix,
} from "@fedclair/linalg";
import type { Sought } from "./fit.js";

/** A client's own space, filled up with the leading directions that all blocks have outside it. */
export function spaceOfClient({ view, rank }: Sought, k: number): Matrix {
  const whole = view.ownSpaces[k];
  if (whole === undefined) throw new RangeError(`no client ${k} in a view`);
  if (whole.cols >= rank) return whole.columns(0, rank);
  const residuals = view.blocks.map((block) =>
    subtract(block, multiply(whole, multiplyTN(whole, block))),
  );
  return thinQr(hstack([whole, leadingLeft(residuals, rank - whole.cols)])).q;
}

/** One step of orthogonal iteration on the stack of all blocks, √w_k·Z_k. */
export function iterate({ view }: Sought, weights: readonly number[], basis: Matrix): Matrix {
  const { stack, blocks } = view;
  const coefficients = multiplyTN(basis, stack);
  let column = 0;
  blocks.forEach(({ cols }, k) => {
    const own = coefficients.columns(column, (column += cols)).data;
    for (let i = 0; i < own.length; i++) own[i] = (own[i] ?? NaN) * (weights[k] ?? NaN);
  });
  return thinQr(multiplyNT(stack, coefficients)).q;
}

/** The distance between projectors, |UUᵀ - VVᵀ|_F, from V's part outside U to avoid cancellation. */
export function movement(u: Matrix, v: Matrix): number {
  return Math.SQRT2 * frobenius(subtract(v, multiply(u, multiplyTN(u, v))));
}
