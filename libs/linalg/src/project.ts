import { blockOf } from "./block.js";
import type { Matrix } from "./matrix.js";
import { multiplyTN } from "./multiply.js";
import { addProduct } from "./product.js";

/** |UUᵀZ|_F² and |Z - UUᵀZ|_F². */
export interface SplitEnergy {
  readonly inside: number;
  readonly outside: number;
}

/** Columns whose residuals are held at once. */
const strip = 512;

/**
 * How much of every column of Z lies inside a space and outside it. The outside part comes from the residual itself: the
 * difference |z|² - |Uᵀz|² would lose small angles to cancellation.
 * @param basis U, n×r, orthonormal columns
 * @param z n×w
 * @returns squared norms by column
 * @throws RangeError if the rows differ
 */
export function splitColumns(
  basis: Matrix,
  z: Matrix,
): { readonly inside: Float64Array; readonly outside: Float64Array } {
  const inside = new Float64Array(z.cols);
  const outside = new Float64Array(z.cols);
  for (let from = 0; from < z.cols; from += strip) {
    const some = z.columns(from, Math.min(from + strip, z.cols));
    const coefficients = multiplyTN(basis, some);
    const residual = some.copy();
    addProduct(blockOf(residual), blockOf(basis), blockOf(coefficients), -1);
    inside.set(squaredNorms(coefficients), from);
    outside.set(squaredNorms(residual), from);
  }
  return { inside, outside };
}

/** The same of a whole block. */
export function splitEnergy(basis: Matrix, block: Matrix): SplitEnergy {
  const { inside, outside } = splitColumns(basis, block);
  return { inside: total(inside), outside: total(outside) };
}

function squaredNorms({ data, rows, cols }: Matrix): Float64Array {
  const out = new Float64Array(cols);
  for (let j = 0, t = 0; j < cols; j++) {
    let square = 0;
    for (let i = 0; i < rows; i++, t++) square += (data[t] as number) ** 2;
    out[j] = square;
  }
  return out;
}

function total(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0);
}
