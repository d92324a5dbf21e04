import { Matrix, at, item } from "@fedclair/linalg";

/** Numbers in the upper triangle, diagonal included, of a symmetric N×N matrix. */
export function packedLength(order: number): number {
  return (order * (order + 1)) / 2;
}

/**
 * N of a symmetric N×N matrix whose upper triangle, diagonal included, has `length` numbers.
 * @throws RangeError if there is no such N
 */
export function packedOrder(length: number): number {
  const order = Math.round((Math.sqrt(8 * length + 1) - 1) / 2);
  if (packedLength(order) !== length) {
    throw new RangeError(`${length} numbers are no upper triangle: expected N(N + 1)/2`);
  }
  return order;
}

/** The upper triangle of a symmetric matrix, diagonal included, row by row. */
export function packUpper(symmetric: Matrix): Float64Array {
  return Float64Array.from(pairs(symmetric.rows, 0), ([i, j]) => symmetric.get(i, j));
}

/** The symmetric matrix of a packed upper triangle. @throws RangeError for a length that is not N(N + 1)/2 */
export function unpackUpper(upper: ArrayLike<number>): Matrix {
  return symmetric(packedOrder(upper.length), 0, upper);
}

/** The upper triangle of a symmetric matrix without its diagonal, row by row: N(N - 1)/2 numbers. */
export function packStrict(symmetric: Matrix): Float64Array {
  return Float64Array.from(pairs(symmetric.rows, 1), ([i, j]) => symmetric.get(i, j));
}

/** The symmetric matrix of zero diagonal. @throws RangeError for a length that is not N(N - 1)/2 */
export function unpackStrict(upper: ArrayLike<number>): Matrix {
  return symmetric(packedOrder(upper.length) + 1, 1, upper);
}

/**
 * A symmetric matrix as a vector of the same norm: the diagonal, then √2 times the strict upper triangle row by row.
 * @returns N(N + 1)/2 numbers
 */
export function svec(symmetric: Matrix): Float64Array {
  const diagonal = Array.from({ length: symmetric.rows }, (_, i) => symmetric.get(i, i));
  return Float64Array.of(...diagonal, ...packStrict(symmetric).map((x) => Math.SQRT2 * x));
}

/** The matrix of a vector made by `svec`. @throws RangeError for a length that is not N(N + 1)/2 */
export function unsvec(vector: Float64Array): Matrix {
  const order = packedOrder(vector.length);
  const out = symmetric(
    order,
    1,
    vector.subarray(order).map((x) => x / Math.SQRT2),
  );
  for (let i = 0; i < order; i++) out.data[i * (order + 1)] = at(vector, i);
  return out;
}

/** All pairs (i, j) with j ≥ i + `offset`, row by row. */
export function* pairs(order: number, offset: 0 | 1): Generator<[number, number]> {
  for (let i = 0; i < order; i++) for (let j = i + offset; j < order; j++) yield [i, j];
}

function symmetric(order: number, offset: 0 | 1, upper: ArrayLike<number>): Matrix {
  const out = new Matrix(order, order);
  let index = 0;
  for (const [i, j] of pairs(order, offset)) {
    const value = item(upper, index++);
    out.data[i + j * order] = value;
    out.data[j + i * order] = value;
  }
  return out;
}
