import { dtypeOf, sizeOf, type Dense, type Numbers, type Stored } from "@fedclair/core";

/** A matrix that is zero outside of its upper left corner. */
export interface Corner {
  /** Rows and columns of the whole matrix. */
  readonly shape: readonly number[];
  readonly corner: Dense;
}

/** Such a matrix as a tensor. Only the corner is in memory; each read writes out the whole. */
export type CornerTensor = Stored & Corner;

/** Creates the whole matrix of a corner. */
export function createCornerTensor({ shape, corner }: Corner): CornerTensor {
  const { BYTES_PER_ELEMENT } = corner.data;
  return {
    shape,
    corner,
    dtype: dtypeOf(corner),
    bytes: sizeOf(shape) * BYTES_PER_ELEMENT,
    read: () => writeOut({ shape, corner }),
  };
}

function writeOut({ shape, corner }: Corner): Numbers {
  const { data } = corner;
  const size = sizeOf(shape);
  const out = data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  const [, columns = 0] = shape;
  const [filledRows = 0, filled = 0] = corner.shape;
  if (filled === columns) out.set(data);
  else {
    for (let i = 0; i < filledRows; i++)
      out.set(data.subarray(i * filled, (i + 1) * filled), i * columns);
  }
  return out;
}
