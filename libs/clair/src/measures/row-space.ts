import { readNumbers, type Tensor } from "@fedclair/core";
import { at, gramTN, hstack, indices, Matrix, multiply, symmetricEigen } from "@fedclair/linalg";

/** Singular values below this share of the largest are rounding errors of float32 factors. */
const minShare = 1e-5;

/** The space of the rows of a factor A = T·Qᵀ with T = axes·diag(lengths). */
export interface Axes {
  /** r×s, with orthonormal columns. */
  readonly axes: Matrix;
  /** Positive and descending. */
  readonly lengths: Float64Array;
  /** Number of lengths that are no rounding errors; 0 if squares overflow. */
  readonly dimensions: number;
}

/** The spaces of the rows of all clients' factors A. */
export interface RowSpaces {
  readonly axes: readonly Axes[];
  /** |Q_iᵀQ_j|² of the leading columns of Q, K×K; the numbers of dimensions on the diagonal. */
  readonly products: Matrix;
}

/** Finds the axes of a factor A from A·Aᵀ. */
export function findAxes(gram: Matrix): Axes {
  if (!gram.data.every(Number.isFinite))
    return { axes: new Matrix(gram.rows, 0), lengths: new Float64Array(), dimensions: 0 };
  const { values, vectors } = symmetricEigen(gram);
  const lengths = values.filter((x) => x > 0).map(Math.sqrt);
  const least = minShare ** 2 * at(values, 0);
  const dimensions = values.filter((x) => x > 0 && x > least).length;
  return { axes: vectors.columns(0, lengths.length), lengths, dimensions };
}

/** Multiplies every leading axis by a function of its length. */
export function scaleAxes(
  { axes, lengths }: Axes,
  factorOf: (length: number) => number,
  dimensions = lengths.length,
): Matrix {
  const { rows, data } = axes.columns(0, dimensions);
  const entries = data.map((x, i) => x * factorOf(at(lengths, Math.floor(i / rows))));
  return new Matrix(rows, dimensions, entries);
}

/**
 * Finds and compares the spaces of rows from the rows' inner products, so that no basis of them is
 * needed: with A = T·Qᵀ, Q_iᵀQ_j is T_i⁺·A_iA_jᵀ·T_j⁺ᵀ.
 * @param gram inner products of all rows of all factors; only its upper triangle is read
 * @param ranks numbers of rows by factor
 */
export function findRowSpaces(gram: Matrix, ranks: readonly number[]): RowSpaces {
  const products = new Matrix(ranks.length, ranks.length);
  const axes: Axes[] = [];
  const inverses: Matrix[] = [];
  let first = 0;
  for (const [j, rank] of ranks.entries()) {
    const found = findAxes(readDiagonalBlock(gram, first, rank));
    const inverse = scaleAxes(found, (length) => 1 / length, found.dimensions);
    const strip = multiply(gram.columns(first, (first += rank)), inverse);
    products.data[j + j * products.rows] = found.dimensions;
    let top = 0;
    for (const [i, other] of inverses.entries()) {
      const common = sumSquares(other, strip, top);
      products.data[i + j * products.rows] = products.data[j + i * products.rows] = common;
      top += other.rows;
    }
    axes.push(found);
    inverses.push(inverse);
  }
  return { axes, products };
}

/** The row spaces of factors A, at least one. */
export function readRowSpaces(as: readonly Tensor[]): RowSpaces {
  const rows = as.map(readRows);
  return findRowSpaces(
    gramTN(hstack(rows)),
    rows.map(({ cols }) => cols),
  );
}

/** Reads Aᵀ. It may share memory with the factor and must not be modified. */
export function readRows(a: Tensor): Matrix {
  const [rows = 0, cols = 0] = a.shape;
  const data = readNumbers(a);
  return new Matrix(cols, rows, data instanceof Float64Array ? data : new Float64Array(data));
}

function readDiagonalBlock(gram: Matrix, from: number, size: number): Matrix {
  const block = gram.among(indices(size).map((i) => from + i));
  for (let j = 0; j < size; j++)
    for (let i = 0; i < j; i++) block.data[j + i * size] = at(block.data, i + j * size);
  return block;
}

/** |XᵀY|² with the rows of Y from `top` on. */
function sumSquares(x: Matrix, y: Matrix, top: number): number {
  let total = 0;
  for (let c = 0; c < y.cols; c++) {
    for (let d = 0; d < x.cols; d++) {
      const [from, right] = [d * x.rows, c * y.rows + top];
      let product = 0;
      for (let t = 0; t < x.rows; t++)
        product += (x.data[from + t] as number) * (y.data[right + t] as number);
      total += product * product;
    }
  }
  return total;
}
