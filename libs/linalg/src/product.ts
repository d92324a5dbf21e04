import { transposeBlock, type Block } from "./block.js";
import { addGramByKernel, addProductByKernel } from "./gemm.js";

/**
 * out ← out + factor·A·B, without checking shapes. `out` must not overlap A or B and has contiguous
 * columns; A and B have contiguous columns or rows. Indices are not checked either, because these
 * loops are the hottest of the library.
 */
export function addProduct(out: Block, a: Block, b: Block, factor = 1): void {
  if (isWorthPacking(out.rows, out.cols, a.cols)) addProductByKernel(out, a, b, factor);
  else if (a.down === 1) addColumns(out, a, b, factor);
  else addDots(out, a, b, factor);
}

/** out ← out + A·Aᵀ, under the same conditions; its lower triangle may be left incomplete. */
export function addGram(out: Block, a: Block): void {
  if (isWorthPacking(a.rows, a.rows, a.cols)) addGramByKernel(out, a);
  else addProduct(out, a, transposeBlock(a));
}

/** Whether the kernel saves more time than packing takes. */
function isWorthPacking(rows: number, cols: number, depth: number): boolean {
  return Math.min(rows, cols, depth) >= 2 && rows * cols * depth >= 1024;
}

/**
 * Adds four columns of A at a time, so that each entry of the result is read and written once for
 * four products.
 */
function addColumns(out: Block, a: Block, b: Block, factor: number): void {
  const x = a.data;
  const y = b.data;
  const z = out.data;
  for (let j = 0; j < out.cols; j++) {
    const o = out.offset + j * out.across;
    let t = b.offset + j * b.across;
    let c0 = a.offset;
    let l = 0;
    for (; l + 3 < a.cols; l += 4) {
      const b0 = factor * (y[t] as number);
      const b1 = factor * (y[t + b.down] as number);
      const b2 = factor * (y[t + 2 * b.down] as number);
      const b3 = factor * (y[t + 3 * b.down] as number);
      const c1 = c0 + a.across;
      const c2 = c1 + a.across;
      const c3 = c2 + a.across;
      for (let i = 0; i < out.rows; i++) {
        z[o + i] =
          (z[o + i] as number) +
          (x[c0 + i] as number) * b0 +
          (x[c1 + i] as number) * b1 +
          (x[c2 + i] as number) * b2 +
          (x[c3 + i] as number) * b3;
      }
      t += 4 * b.down;
      c0 += 4 * a.across;
    }
    for (; l < a.cols; l++) {
      const b0 = factor * (y[t] as number);
      for (let i = 0; i < out.rows; i++)
        z[o + i] = (z[o + i] as number) + (x[c0 + i] as number) * b0;
      t += b.down;
      c0 += a.across;
    }
  }
}

/** Computes dot products, four rows of A with one column of B at a time. */
function addDots(out: Block, a: Block, b: Block, factor: number): void {
  const x = a.data;
  const y = b.data;
  const z = out.data;
  const { down, across } = a;
  for (let j = 0; j < out.cols; j++) {
    const o = out.offset + j * out.across;
    const t = b.offset + j * b.across;
    let i = 0;
    for (; i + 3 < out.rows; i += 4) {
      let s = a.offset + i * down;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let l = 0; l < a.cols; l++, s += across) {
        const yl = y[t + l * b.down] as number;
        s0 += (x[s] as number) * yl;
        s1 += (x[s + down] as number) * yl;
        s2 += (x[s + 2 * down] as number) * yl;
        s3 += (x[s + 3 * down] as number) * yl;
      }
      z[o + i] = (z[o + i] as number) + factor * s0;
      z[o + i + 1] = (z[o + i + 1] as number) + factor * s1;
      z[o + i + 2] = (z[o + i + 2] as number) + factor * s2;
      z[o + i + 3] = (z[o + i + 3] as number) + factor * s3;
    }
    for (; i < out.rows; i++) {
      const s = a.offset + i * down;
      let sum = 0;
      for (let l = 0; l < a.cols; l++)
        sum += (x[s + l * across] as number) * (y[t + l * b.down] as number);
      z[o + i] = (z[o + i] as number) + factor * sum;
    }
  }
}
