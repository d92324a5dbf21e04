import { readNumbers, type Tensor } from "@fedclair/core";
import {
  at,
  frobenius,
  gramTN,
  item,
  Matrix,
  multiply,
  multiplyTN,
  symmetricEigen,
  indices,
} from "@fedclair/linalg";

/** Singular values below this share of the largest are rounding errors of float32 factors. */
const minShare = 1e-5;

/** The space that the rows of a factor A span: A = T·Qᵀ. */
export interface RowSpace {
  /** Q, n×s, with orthonormal columns. */
  readonly basis: Matrix;
  /** T, r×s. */
  readonly triangle: Matrix;
}

/**
 * Finds the space of a factor's rows. It has fewer dimensions than rows if they are dependent, and
 * none if squares overflow.
 */
export function findRowSpace(a: Tensor): RowSpace {
  const [rows = 0, cols = 0] = a.shape;
  const columns = new Matrix(cols, rows, Float64Array.from(readNumbers(a)));
  const gram = gramTN(columns);
  if (!gram.data.every(Number.isFinite))
    return { basis: new Matrix(cols, 0), triangle: new Matrix(rows, 0) };
  const { values, vectors } = symmetricEigen(gram);
  const sizes = values.filter((x) => x > minShare ** 2 * at(values, 0)).map(Math.sqrt);
  const axes = vectors.columns(0, sizes.length);
  return {
    basis: scaleColumns(
      multiply(columns, axes),
      sizes.map((x) => 1 / x),
    ),
    triangle: scaleColumns(axes, sizes),
  };
}

function scaleColumns(matrix: Matrix, factors: Float64Array): Matrix {
  const out = matrix.copy();
  factors.forEach((factor, j) => {
    out.column(j).forEach((x, i, column) => (column[i] = factor * x));
  });
  return out;
}

/**
 * Compares spaces of r dimensions by the inner products of their projections, without what random
 * spaces have in common: (|UᵀV|² − r²/n)/(r − r²/n), 1 for the same space and about 0 for unrelated
 * ones.
 * @param width n, the dimension of the space that they are in, more than r
 * @param rank r; spaces may have fewer dimensions
 * @returns K×K, symmetric
 */
export function compareRowSpaces(spaces: readonly RowSpace[], width: number, rank: number): Matrix {
  const out = new Matrix(spaces.length, spaces.length);
  const [byChance, most] = [rank ** 2 / width, rank - rank ** 2 / width];
  for (const j of indices(spaces.length)) {
    for (let i = 0; i <= j; i++) {
      const common = frobenius(multiplyTN(item(spaces, i).basis, item(spaces, j).basis)) ** 2;
      const entry = (common - byChance) / most;
      out.data[i + j * out.rows] = entry;
      out.data[j + i * out.rows] = entry;
    }
  }
  return out;
}
