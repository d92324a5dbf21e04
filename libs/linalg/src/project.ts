import { at } from "./at.js";
import type { Matrix } from "./matrix.js";
import { multiplyTN } from "./multiply.js";

/** |UUᵀZ|_F² and |Z - UUᵀZ|_F². */
export interface SplitEnergy {
  readonly inside: number;
  readonly outside: number;
}

/** Of a column, what is outside at least, for the difference of its energies to keep twelve digits. */
const leastOutside = 1e-4;

/**
 * How much of every column of Z lies inside a space and outside it. Where little is outside, that comes from the residual
 * itself: the difference |z|² - |Uᵀz|² would lose small angles to cancellation.
 * @param basis U, n×r, orthonormal columns
 * @param z n×w
 * @returns squared norms by column
 * @throws RangeError if the rows differ
 */
export function splitColumns(
  basis: Matrix,
  z: Matrix,
): { readonly inside: Float64Array; readonly outside: Float64Array } {
  const coefficients = multiplyTN(basis, z);
  const inside = squaredNorms(coefficients);
  const outside = squaredNorms(z);
  for (let j = 0; j < z.cols; j++) {
    const whole = at(outside, j);
    const difference = whole - at(inside, j);
    outside[j] =
      difference > leastOutside * whole || whole === 0
        ? difference
        : residualEnergy(basis, z.column(j), coefficients.column(j));
  }
  return { inside, outside };
}

/** |z - U·c|² */
function residualEnergy(basis: Matrix, z: Float64Array, coefficients: Float64Array): number {
  const residual = z.slice();
  for (let l = 0; l < basis.cols; l++) {
    const column = basis.column(l);
    const c = at(coefficients, l);
    for (let i = 0; i < residual.length; i++) {
      residual[i] = (residual[i] as number) - c * (column[i] as number);
    }
  }
  return residual.reduce((total, x) => total + x * x, 0);
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
