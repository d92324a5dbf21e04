import assert from "node:assert/strict";
import fc from "fast-check";
import { at, frobenius, Matrix, multiplyTN, subtract } from "../src/index.js";
import { gaussian } from "./gaussian.js";

/**
 * How a column is changed: multiplied by a power of ten, set to zero, or replaced by an earlier
 * column.
 */
type Fate = number | "zero" | "again";

const fate = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -200, max: 200 }),
  fc.constantFrom<Fate[]>("zero", "again", -310, -17, -200, 200),
);

const largestExtent = 35;
const small = fc.integer({ min: 0, max: 9 });
const extent = fc.oneof(small, small, small, fc.constantFrom(24, largestExtent));

/**
 * Matrices of any shape whose columns, or rows, may vanish, repeat, be denormal, or differ by up to
 * 1e400, in any order.
 */
export const hardMatrices = fc
  .record({
    rows: extent,
    cols: extent,
    seed: fc.nat(),
    fates: fc.array(fate, { minLength: largestExtent, maxLength: largestExtent }),
    isTransposed: fc.boolean(),
  })
  .map(({ rows, cols, seed, fates, isTransposed }) => {
    const a = gaussian(rows, cols, seed);
    fates.slice(0, cols).forEach((what, j) => {
      const column = a.column(j);
      if (what === "again") column.set(a.column(seed % (j + 1)));
      else column.forEach((x, i) => (column[i] = what === "zero" ? 0 : x * 10 ** what));
    });
    return isTransposed ? a.transpose() : a;
  });

/** Like `hardMatrices`, but square and symmetric. */
export const hardSymmetric = hardMatrices.map((a) => {
  const n = Math.min(a.rows, a.cols);
  const s = new Matrix(n, n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) s.data[i + j * n] = a.get(Math.max(i, j), Math.min(i, j));
  }
  return s;
});

/** The exponent e for which the largest |entry| lies in 2^e … 2^(e + 1); 0 for none. */
export function exponentOf(values: Float64Array): number {
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return largest === 0 ? 0 : Math.floor(Math.log2(largest));
}

/**
 * The values multiplied by 2^exponent, exact if the results are normal numbers. The power is
 * applied in two halves, because 2^1074 is not representable.
 */
export function scaleByPowerOfTwo(values: Float64Array, exponent: number): Float64Array {
  const half = Math.trunc(exponent / 2);
  return values.map((x) => x * 2 ** half * 2 ** (exponent - half));
}

export function scaleMatrixByPowerOfTwo({ rows, cols, data }: Matrix, exponent: number): Matrix {
  return new Matrix(rows, cols, scaleByPowerOfTwo(data, exponent));
}

/** Multiplies column j by factors[j]. */
export function scaleColumns(a: Matrix, factors: Float64Array): Matrix {
  const data = a.data.map((x, i) => x * at(factors, Math.floor(i / a.rows)));
  return new Matrix(a.rows, a.cols, data);
}

export function assertOrthonormal(q: Matrix): void {
  const error = frobenius(subtract(multiplyTN(q, q), Matrix.identity(q.cols)));
  assert.ok(error <= 1e-15 * (10 + 2 * q.cols), `orthonormal to ${error} only`);
}

/**
 * Asserts that the product of factors is A to rounding. The factors were scaled by 2^-exponent, so
 * the test works with numbers of normal size and neither overflows nor underflows.
 * @param exponent of the largest entry of A
 */
export function assertProduct(product: Matrix, a: Matrix, exponent: number): void {
  const unit = scaleMatrixByPowerOfTwo(a, -exponent);
  const error = frobenius(subtract(product, unit));
  const terms = 10 + a.rows + a.cols;
  // If A is denormal, the factors are rounded to 2^-1074.
  const allowed = terms * (Number.EPSILON * frobenius(unit) + 2 ** (-1074 - exponent));
  assert.ok(error <= allowed, `error ${error}, allowed ${allowed}`);
}

export function assertDescending(values: Float64Array): void {
  assert.deepEqual(
    [...values],
    [...values].sort((x, y) => y - x),
  );
}
