import { item } from "./at.js";
import { createKernels } from "./kernels.js";
import type { Matrix } from "./matrix.js";

/** Columns of a panel, which the kernel reads together. */
const panelColumns = 4;
/** Rows of a slice. Operands of this many rows stay in the second-level cache. */
const depth = 256;
/** The most columns of an operand. */
const mostColumns = 512;

/**
 * A matrix in float32, as the kernel reads it: in slices of 256 rows, each in panels of four
 * columns, each row by row. The last panel is padded with zeros.
 */
export interface Singles {
  readonly rows: number;
  /** A multiple of four. */
  readonly cols: number;
  readonly data: Float32Array;
}

const pageBytes = 65_536;
const operandBytes = 4 * mostColumns * depth;
const productBytes = 4 * mostColumns ** 2;
const pages = (2 * operandBytes + productBytes) / pageBytes;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const kernels = createKernels(memory);
const left = new Float32Array(memory.buffer, 0, mostColumns * depth);
const right = new Float32Array(memory.buffer, operandBytes, mostColumns * depth);
const result = new Float32Array(memory.buffer, 2 * operandBytes, mostColumns ** 2);

/** Rounds the entries to float32, in the order in which `multiplySingles` reads them. */
export function packSingles({ rows, cols, data }: Matrix): Singles {
  const width = panelColumns * Math.ceil(cols / panelColumns);
  const out = new Float32Array(rows * width);
  for (let from = 0; from < rows; from += depth) {
    const count = Math.min(depth, rows - from);
    for (let j = 0; j < cols; j++) {
      const lane = j % panelColumns;
      const start = from * width + count * (j - lane) + lane;
      const column = j * rows + from;
      for (let i = 0; i < count; i++) out[start + panelColumns * i] = data[column + i] as number;
    }
  }
  return { rows, cols: width, data: out };
}

/**
 * Computes [A_1 A_2 …]ᵀ·[B_1 B_2 …] in float32. Rounding errors are about 1e-7 of the columns'
 * norms.
 * @param lefts, rights of the same height; together at most 512 columns on each side
 * @returns the product, column-major; the next call overwrites it
 * @throws RangeError if there are more columns, or other heights
 */
export function multiplySingles(
  lefts: readonly Singles[],
  rights: readonly Singles[],
): { readonly rows: number; readonly cols: number; readonly data: Float32Array } {
  const rows = item(rights, 0).rows;
  const m = 2 * panelColumns * Math.ceil(countColumns(lefts, rows) / (2 * panelColumns));
  const n = countColumns(rights, rows);
  result.fill(0, 0, m * n);
  for (let from = 0; from < rows; from += depth) {
    const count = Math.min(depth, rows - from);
    const end = gather(left, lefts, from, count);
    left.fill(0, end, m * count);
    gather(right, rights, from, count);
    kernels.multiplySingles(left.byteOffset, right.byteOffset, result.byteOffset, m, n, count);
  }
  return { rows: m, cols: n, data: result.subarray(0, m * n) };
}

function countColumns(blocks: readonly Singles[], rows: number): number {
  let cols = 0;
  for (const block of blocks) {
    if (block.rows !== rows) throw new RangeError(`heights differ: ${block.rows} and ${rows}`);
    cols += block.cols;
  }
  if (cols > mostColumns) throw new RangeError(`${cols} columns, more than ${mostColumns}`);
  return cols;
}

/** Copies one slice of the blocks side by side. @returns the number of entries */
function gather(to: Float32Array, blocks: readonly Singles[], from: number, count: number): number {
  let end = 0;
  for (const { cols, data } of blocks) {
    to.set(data.subarray(from * cols, (from + count) * cols), end);
    end += count * cols;
  }
  return end;
}
