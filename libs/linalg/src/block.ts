import { at } from "./at.js";
import type { Matrix } from "./matrix.js";

/**
 * A rectangle inside a matrix, or its transpose: entry (i, j) is `data[offset + i * down + j *
 * across]`.
 */
export interface Block {
  readonly data: Float64Array;
  readonly offset: number;
  readonly rows: number;
  readonly cols: number;
  readonly down: number;
  readonly across: number;
}

export function toBlock({ data, rows, cols }: Matrix): Block {
  return { data, offset: 0, rows, cols, down: 1, across: rows };
}

export function transposeBlock({ data, offset, rows, cols, down, across }: Block): Block {
  return { data, offset, rows: cols, cols: rows, down: across, across: down };
}

/** A view of rows `top` … `bottom` - 1 and columns `left` … `right` - 1. */
export function viewPart(
  { data, offset, down, across }: Block,
  top: number,
  bottom: number,
  left: number,
  right: number,
): Block {
  return {
    data,
    offset: offset + top * down + left * across,
    rows: bottom - top,
    cols: right - left,
    down,
    across,
  };
}

/** target ← source, of the same shape. The columns of the target are contiguous. */
export function copyBlock(target: Block, source: Block): void {
  const { data, offset, rows, cols, down, across } = source;
  if (down === 1) {
    for (let j = 0; j < cols; j++) {
      const start = offset + j * across;
      target.data.set(data.subarray(start, start + rows), target.offset + j * target.across);
    }
    return;
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++)
      target.data[target.offset + i + j * target.across] = at(data, offset + i * down + j * across);
  }
}
