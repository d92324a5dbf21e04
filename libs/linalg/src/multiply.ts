import { Matrix } from "./matrix.js";

/**
 * A·B. Four columns of A are added at a time, so that each entry of the result is read and written once for four
 * multiplications.
 * @throws RangeError if the inner extents differ
 */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows) throw mismatch("A·B", a, b);
  const m = a.rows;
  const k = a.cols;
  const out = new Matrix(m, b.cols);
  for (let j = 0; j < b.cols; j++) accumulate(a, k, b.data, j * k, 1, out.data, j * m);
  return out;
}

/** A·Bᵀ. @throws RangeError if the inner extents differ */
export function multiplyNT(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.cols) throw mismatch("A·Bᵀ", a, b);
  const out = new Matrix(a.rows, b.rows);
  for (let j = 0; j < b.rows; j++) {
    accumulate(a, a.cols, b.data, j, b.rows, out.data, j * a.rows);
  }
  return out;
}

/**
 * Aᵀ·B: dot products of columns, four columns of A against one of B.
 * @throws RangeError if the inner extents differ
 */
export function multiplyTN(a: Matrix, b: Matrix): Matrix {
  if (a.rows !== b.rows) throw mismatch("Aᵀ·B", a, b);
  const out = new Matrix(a.cols, b.cols);
  for (let j = 0; j < b.cols; j++) dots(a, b.data, j * b.rows, out.data, j * a.cols);
  return out;
}

/** A·Aᵀ, exactly symmetric. */
export function gramNT(a: Matrix): Matrix {
  return symmetrise(multiplyNT(a, a));
}

/** Σ of the entrywise product of A and B, i.e. tr(AᵀB). @throws RangeError if shapes differ */
export function dot(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) throw mismatch("⟨A, B⟩", a, b);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] ?? 0) * (b.data[i] ?? 0);
  return sum;
}

/** out[o…] += Σ_l A[:, l] · b[start + l·step] */
function accumulate(
  a: Matrix,
  k: number,
  b: Float64Array,
  start: number,
  step: number,
  out: Float64Array,
  o: number,
): void {
  const m = a.rows;
  const x = a.data;
  let l = 0;
  for (; l + 3 < k; l += 4) {
    const b0 = b[start + l * step] ?? 0;
    const b1 = b[start + (l + 1) * step] ?? 0;
    const b2 = b[start + (l + 2) * step] ?? 0;
    const b3 = b[start + (l + 3) * step] ?? 0;
    const c0 = l * m;
    const c1 = c0 + m;
    const c2 = c1 + m;
    const c3 = c2 + m;
    for (let i = 0; i < m; i++) {
      out[o + i] =
        (out[o + i] ?? 0) +
        (x[c0 + i] ?? 0) * b0 +
        (x[c1 + i] ?? 0) * b1 +
        (x[c2 + i] ?? 0) * b2 +
        (x[c3 + i] ?? 0) * b3;
    }
  }
  for (; l < k; l++) {
    const factor = b[start + l * step] ?? 0;
    const c = l * m;
    for (let i = 0; i < m; i++) out[o + i] = (out[o + i] ?? 0) + (x[c + i] ?? 0) * factor;
  }
}

/** out[o + l] = A[:, l] · b[start …] */
function dots(a: Matrix, b: Float64Array, start: number, out: Float64Array, o: number): void {
  const m = a.rows;
  const x = a.data;
  let l = 0;
  for (; l + 3 < a.cols; l += 4) {
    const c0 = l * m;
    const c1 = c0 + m;
    const c2 = c1 + m;
    const c3 = c2 + m;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < m; i++) {
      const y = b[start + i] ?? 0;
      s0 += (x[c0 + i] ?? 0) * y;
      s1 += (x[c1 + i] ?? 0) * y;
      s2 += (x[c2 + i] ?? 0) * y;
      s3 += (x[c3 + i] ?? 0) * y;
    }
    out[o + l] = s0;
    out[o + l + 1] = s1;
    out[o + l + 2] = s2;
    out[o + l + 3] = s3;
  }
  for (; l < a.cols; l++) {
    const c = l * m;
    let s = 0;
    for (let i = 0; i < m; i++) s += (x[c + i] ?? 0) * (b[start + i] ?? 0);
    out[o + l] = s;
  }
}

function symmetrise(square: Matrix): Matrix {
  const n = square.rows;
  const x = square.data;
  for (let j = 0; j < n; j++) for (let i = 0; i < j; i++) x[j + i * n] = x[i + j * n] ?? 0;
  return square;
}

function mismatch(product: string, a: Matrix, b: Matrix): RangeError {
  return new RangeError(`${product}: ${a.rows}×${a.cols} and ${b.rows}×${b.cols} do not fit`);
}
