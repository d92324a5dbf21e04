import { readNumbers, type Tensor } from "@fedclair/core";
import { at, Matrix, symmetricEigen } from "@fedclair/linalg";

/** Singular values below this share of the largest are rounding errors of float32 factors. */
const minShare = 1e-5;

/** The space of the rows of a factor A = T·Qᵀ with T = axes·diag(lengths). */
interface Axes {
  /** r×s, with orthonormal columns. */
  readonly axes: Matrix;
  /** Positive and descending. */
  readonly lengths: Float64Array;
  /** Number of lengths that are no rounding errors. */
  readonly dimensions: number;
}

/** Finds the axes of a factor A from A·Aᵀ. */
export function findAxes(gram: Matrix): Axes {
  const { values, vectors } = symmetricEigen(gram);
  const lengths = values.filter((x) => x > 0).map(Math.sqrt);
  const least = minShare ** 2 * at(values, 0);
  const dimensions = values.filter((x) => x > 0 && x > least).length;
  return { axes: vectors.columns(0, lengths.length), lengths, dimensions };
}

/** Reads Aᵀ. It may share memory with the factor and must not be modified. */
export function readRows(a: Tensor): Matrix {
  const [rows = 0, cols = 0] = a.shape;
  const data = readNumbers(a);
  return new Matrix(cols, rows, data instanceof Float64Array ? data : new Float64Array(data));
}
