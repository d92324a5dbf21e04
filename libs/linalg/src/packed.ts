import { createKernels } from "./kernels.js";

/** The largest block of a product: rows and columns of the result, and terms of its sums. */
export interface Blocking {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
}

/**
 * Block sizes by the shape of the result. For narrow results the lines of the other operand are
 * long. All take about 4 MiB together with the operands.
 */
export const blockings = {
  square: { height: 512, width: 512, depth: 256 },
  tall: { height: 2048, width: 32, depth: 64 },
  wide: { height: 32, width: 128, depth: 1024 },
} as const satisfies Record<string, Blocking>;

/** Maximum number of unused entries between the lines of an operand. */
export const gap = 8;

const all: readonly Blocking[] = Object.values(blockings);
const operandLength = Math.max(
  ...all.map(({ height, width, depth }) => (Math.max(height, width) + gap) * (depth + gap)),
);
const productLength = Math.max(...all.map(({ height, width }) => height * width));
/** Rows of a panel, which the kernels read and write together. */
export const panelRows = 8;
const linesLength = panelRows * (Math.max(...all.map(({ depth }) => depth)) + gap);
const bytes = 8 * (2 * operandLength + productLength + linesLength);
const pages = Math.ceil(bytes / 65_536);
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const kernels = createKernels(memory);

export const left = new Float64Array(memory.buffer, 0, operandLength);
export const right = new Float64Array(memory.buffer, 8 * operandLength, operandLength);
/** The result buffer, column-major. */
export const result = new Float64Array(memory.buffer, 16 * operandLength, productLength);

/** Eight rows that will become a panel. */
export const lines = new Float64Array(
  memory.buffer,
  8 * (2 * operandLength + productLength),
  linesLength,
);

/**
 * Interleaves the eight `lines` into a panel of `left`, column by column.
 * @param stride entries from line to line
 * @param count entries of a line
 * @param at the position in `left` where the panel begins
 */
export function interleaveLines(stride: number, count: number, at: number): void {
  kernels.interleave(lines.byteOffset, 8 * stride, count, left.byteOffset + 8 * at);
}

/** Layout of the left operand, in entries. Eight rows of a column are contiguous. */
export interface LeftLayout {
  /** From eight rows to the next eight. */
  readonly panel: number;
  /** From column to column. */
  readonly step: number;
}

/** Layout of the right operand, in entries: from row to row, and from column to column. */
export interface RightLayout {
  readonly down: number;
  readonly across: number;
}

/**
 * result ← result + left·right.
 * @param rows of the product, a multiple of 8
 * @param cols a multiple of 2
 * @param k inner extent
 */
export function multiplyPacked(
  { panel, step }: LeftLayout,
  { down, across }: RightLayout,
  rows: number,
  cols: number,
  k: number,
): void {
  kernels.multiplyBlock(
    left.byteOffset,
    8 * panel,
    8 * step,
    right.byteOffset,
    8 * down,
    8 * across,
    result.byteOffset,
    rows,
    cols,
    k,
  );
}

/**
 * A part of a product: its first `rows`, a multiple of 8, and columns `from` … `to` - 1, both
 * multiples of 2.
 */
export interface Part {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

/**
 * result ← result + left·leftᵀ for a part of the product. `left` holds panels of eight rows, each
 * column by column.
 * @param stride rows of the product
 * @param k inner extent
 */
export function multiplyByTranspose({ rows, from, to }: Part, stride: number, k: number): void {
  kernels.multiplyOwn(left.byteOffset, result.byteOffset, rows, from, to, k, stride);
}
