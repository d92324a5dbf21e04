import { sizeOf, type Tensor } from "@fedclair/core";

/** A matrix that is zero outside of its upper left corner. Only the corner is stored. */
export interface Corner {
  /** Rows and columns of the whole matrix. */
  readonly shape: readonly number[];
  readonly corner: Tensor;
}

const corners = new WeakMap<Tensor, Corner>();

/**
 * Returns the whole matrix as a tensor. Its numbers are written out on every read and are not kept.
 */
export function tensorOfCorner(whole: Corner): Tensor {
  const tensor = {
    shape: whole.shape,
    get data() {
      return writtenOut(whole);
    },
  };
  corners.set(tensor, whole);
  return tensor;
}

/** Returns the corner of a tensor that `tensorOfCorner` created; undefined for other tensors. */
export function cornerOf(tensor: Tensor): Corner | undefined {
  return corners.get(tensor);
}

function writtenOut({ shape, corner }: Corner): Tensor["data"] {
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
