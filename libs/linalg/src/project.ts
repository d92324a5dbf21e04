import { at } from "./at.js";
import type { Matrix } from "./matrix.js";
import { multiplyTN } from "./multiply.js";
import { sum } from "./stats.js";

/** |UUᵀZ|_F² and |Z - UUᵀZ|_F². */
export interface SplitEnergy {
  readonly inside: number;
  readonly outside: number;
}

/**
 * Smallest share of a column's energy outside for which the difference of its energies keeps twelve
 * digits.
 */
const leastOutside = 1e-4;

/** Squared norms inside and outside a space, by column. */
interface SplitColumns {
  readonly inside: Float64Array;
  readonly outside: Float64Array;
  /** UᵀZ, r×w */
  readonly coefficients: Matrix;
}

/**
 * Splits the energy of every column of Z into the parts inside and outside a space. If little is
 * outside, that part is computed from the residual itself: the difference |z|² - |Uᵀz|² would lose
 * small angles to cancellation.
 * @param basis U, n×r, orthonormal columns
 * @param z n×w
 * @param whole squared norms of the columns of Z, if they are known
 * @throws RangeError if the rows differ
 */
export function splitColumns(
  basis: Matrix,
  z: Matrix,
  whole: Float64Array = columnEnergies(z),
): SplitColumns {
  const coefficients = multiplyTN(basis, z);
  const inside = columnEnergies(coefficients);
  const outside = whole.map((energy, j) => energy - at(inside, j));
  const projection = new Float64Array(z.rows);
  outside.forEach((difference, j) => {
    const energy = at(whole, j);
    if (energy > 0 && !(difference > leastOutside * energy))
      outside[j] = residualEnergy(basis, coefficients, z, j, projection);
  });
  return { inside, outside, coefficients };
}

/**
 * The squared norm of column j of Z - U·C.
 * @param projection space for a column of U·C
 */
function residualEnergy(
  basis: Matrix,
  coefficients: Matrix,
  z: Matrix,
  j: number,
  projection: Float64Array,
): number {
  const { rows, cols } = basis;
  projection.fill(0);
  for (let c = 0, t = 0; c < cols; c++) {
    const coefficient = coefficients.data[c + j * cols] as number;
    for (let i = 0; i < rows; i++, t++)
      (projection[i] as number) += (basis.data[t] as number) * coefficient;
  }
  let square = 0;
  for (let i = 0, t = j * rows; i < rows; i++, t++)
    square += ((z.data[t] as number) - (projection[i] as number)) ** 2;
  return square;
}

/** Splits the energy of a whole block. */
export function splitEnergy(basis: Matrix, block: Matrix): SplitEnergy {
  const { inside, outside } = splitColumns(basis, block);
  return { inside: sum(inside), outside: sum(outside) };
}

/** Squared norms of the columns. */
export function columnEnergies({ data, rows, cols }: Matrix): Float64Array {
  const out = new Float64Array(cols);
  for (let j = 0, t = 0; j < cols; j++) {
    let square = 0;
    for (let i = 0; i < rows; i++, t++) square += (data[t] as number) ** 2;
    out[j] = square;
  }
  return out;
}
