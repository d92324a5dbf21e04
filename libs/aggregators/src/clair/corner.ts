import { sizeOf, type Tensor } from "@fedclair/core";

/** A matrix that is zero outside of its upper left corner, of which that alone is in memory. */
export interface Corner {
  /** Of the whole: rows, columns. */
  readonly shape: readonly number[];
  readonly corner: Tensor;
}

const corners = new WeakMap<Tensor, Corner>();

/** The whole, whose numbers are written out each time they are read: nobody holds them but who reads. */
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

/** Of what `tensorOfCorner` made. */
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
