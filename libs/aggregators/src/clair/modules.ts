import {
  deltaShape,
  isLowRank,
  sizeOf,
  toFloat64,
  type Delta,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { toFactors } from "../factors.js";
import type { Change } from "./subspace/change.js";

/** Has a module columns that can share a space? A vector or a scalar, as a bias, has none: nobody is judged by it. */
export function isCompared(module: TensorDelta): boolean {
  return deltaShape(module).length >= 2;
}

/** The modules of a change that are not compared. */
export function pickVectors(delta: Delta): ReadonlyMap<string, Tensor> {
  const vectors = new Map<string, Tensor>();
  for (const [name, module] of delta) {
    if (!isLowRank(module) && !isCompared(module)) vectors.set(name, module);
  }
  return vectors;
}

/** What is compared of a module. One of more than two axes is a matrix, the first axis × the rest, as a convolution is unfolded. */
export function toChange(module: TensorDelta): Change {
  if (isLowRank(module)) return toFactors(module);
  const [rows = 0, ...rest] = module.shape;
  return Matrix.fromRowMajor(rows, sizeOf(rest), module.data);
}

/** A change of that matrix in the module's own shape; as it is where that is a matrix. */
export function toShape(change: TensorDelta, shape: readonly number[]): TensorDelta {
  return shape.length === 2 ? change : { shape, data: toFloat64(change) };
}

/** Beyond it squares overflow. */
const maxEntry = 1e100;

/** Are all entries finite, and at most 1e100 in size? */
export function isBounded(data: Tensor["data"]): boolean {
  // Not with for-of or every(): they take five times as long, and this looks at all that was sent.
  for (let i = 0; i < data.length; i++) {
    const x = data[i];
    if (x === undefined || !(Math.abs(x) <= maxEntry)) return false;
  }
  return true;
}
