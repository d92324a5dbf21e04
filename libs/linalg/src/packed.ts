import { kernelsOn } from "./kernels.js";

/** The largest block of a product: rows and columns of the result, and terms of its sums. 4 MiB with the operands. */
export const extent = 512;
export const depth = 256;

const operandLength = extent * depth;
const bytes = 8 * (2 * operandLength + extent * extent);
const pages = bytes / 65_536;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const kernels = kernelsOn(memory);

/** Panels of eight rows of A, each column by column. */
export const left = new Float64Array(memory.buffer, 0, operandLength);
/** Panels of two columns of B, each row by row. */
export const right = new Float64Array(memory.buffer, 8 * operandLength, operandLength);
/** Column-major. */
export const product = new Float64Array(memory.buffer, 16 * operandLength, extent * extent);

/**
 * product ← product + left·right.
 * @param rows of the product, a multiple of 8
 * @param cols a multiple of 2
 * @param k inner extent
 */
export function multiplyPacked(rows: number, cols: number, k: number): void {
  kernels.multiplyBlock(left.byteOffset, right.byteOffset, product.byteOffset, rows, cols, k);
}

/** Part of a product: its first `rows`, a multiple of 8, and columns `from` … `to` - 1, both multiples of 2. */
export interface Part {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

/**
 * product ← product + left·leftᵀ, in part.
 * @param stride rows of the product
 * @param k inner extent
 */
export function multiplyOwn({ rows, from, to }: Part, stride: number, k: number): void {
  kernels.multiplyOwn(left.byteOffset, product.byteOffset, rows, from, to, k, stride);
}
