import {
  type Numbers,
  readNumbers,
  deltaShape,
  isLowRank,
  sizeOf,
  toFloat64,
  type Delta,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { toFactors } from "@fedclair/rules";
import type { Change } from "./change.js";

/**
 * Whether a module has columns that can share a space. Vectors and scalars, such as a bias, have
 * none and are not judged.
 */
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

/**
 * Converts a module to the change that is compared. A module of more than two axes becomes a
 * matrix, the first axis × the rest, as in the unfolding of a convolution.
 */
export function toChange(module: TensorDelta): Change {
  if (isLowRank(module)) return toFactors(module);
  const [rows = 0, ...rest] = module.shape;
  return Matrix.fromRowMajor(rows, sizeOf(rest), readNumbers(module));
}

/** Restores the module's own shape for a change of that matrix. */
export function toShape(change: TensorDelta, shape: readonly number[]): TensorDelta {
  return shape.length === 2 ? change : { shape, data: toFloat64(change) };
}

/** Largest entry; beyond it, squares overflow. */
const maxEntry = 1e100;

/** Whether all entries are finite and at most 1e100 in size. */
export function isBounded(data: Numbers): boolean {
  // A plain loop, because for-of and every() take five times as long and this reads everything that
  // was sent.
  for (let i = 0; i < data.length; i++) {
    const x = data[i];
    if (x === undefined || !(Math.abs(x) <= maxEntry)) return false;
  }
  return true;
}
