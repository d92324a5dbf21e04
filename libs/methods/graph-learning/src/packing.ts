import { Matrix, at, item } from "@fedclair/linalg";

/** Counts the numbers in the upper triangle, diagonal included, of a symmetric N×N matrix. */
export function packedLength(order: number): number {
  return (order * (order + 1)) / 2;
}

/**
 * Returns the N of a symmetric N×N matrix whose upper triangle, diagonal included, has `length`
 * numbers.
 * @throws RangeError if there is no such N
 */
export function packedOrder(length: number): number {
  const order = Math.round((Math.sqrt(8 * length + 1) - 1) / 2);
  if (packedLength(order) !== length) {
    throw new RangeError(`${length} numbers are no upper triangle: expected N(N + 1)/2`);
  }
  return order;
}

/** Packs the upper triangle of a symmetric matrix, diagonal included, row by row. */
export function packUpper(createSymmetric: Matrix): Float64Array {
  return Float64Array.from(listPairs(createSymmetric.rows, 0), ([i, j]) =>
    createSymmetric.get(i, j),
  );
}

/**
 * Unpacks a symmetric matrix from its upper triangle, diagonal included.
 * @throws RangeError if the length is not N(N + 1)/2
 */
export function unpackUpper(upper: ArrayLike<number>): Matrix {
  return symmetric(packedOrder(upper.length), 0, upper);
}

/**
 * Packs the upper triangle of a symmetric matrix without its diagonal, row by row: N(N - 1)/2
 * numbers.
 */
export function packStrict(symmetric: Matrix): Float64Array {
  return Float64Array.from(listPairs(symmetric.rows, 1), ([i, j]) => symmetric.get(i, j));
}

/**
 * Unpacks a symmetric matrix with zero diagonal from its strict upper triangle.
 * @throws RangeError if the length is not N(N - 1)/2
 */
export function unpackStrict(upper: ArrayLike<number>): Matrix {
  return symmetric(packedOrder(upper.length) + 1, 1, upper);
}

/**
 * Converts a symmetric matrix into a vector of the same norm: the diagonal, then √2 times the
 * strict upper triangle row by row.
 * @returns N(N + 1)/2 numbers
 */
export function svec(symmetric: Matrix): Float64Array {
  const diagonal = Array.from({ length: symmetric.rows }, (_, i) => symmetric.get(i, i));
  return Float64Array.of(...diagonal, ...packStrict(symmetric).map((x) => Math.SQRT2 * x));
}

/**
 * Converts a vector from `svec` back into a matrix.
 * @throws RangeError if the length is not N(N + 1)/2
 */
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

/** Lists all pairs (i, j) with j ≥ i + `offset`, row by row. */
export function* listPairs(order: number, offset: 0 | 1): Generator<[number, number]> {
  for (let i = 0; i < order; i++) for (let j = i + offset; j < order; j++) yield [i, j];
}

function symmetric(order: number, offset: 0 | 1, upper: ArrayLike<number>): Matrix {
  const out = new Matrix(order, order);
  let index = 0;
  for (const [i, j] of listPairs(order, offset)) {
    const value = item(upper, index++);
    out.data[i + j * order] = value;
    out.data[j + i * order] = value;
  }
  return out;
}
