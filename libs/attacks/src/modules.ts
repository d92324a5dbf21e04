import { isLowRank, type ModuleUpdate, type Modules, type Tensor } from "@fedclair/core";
import { dot, gramNT, Matrix, multiplyTN, norm } from "@fedclair/linalg";

/** `update` times `factor`; of low-rank factors only b is scaled. Shapes and dtypes stay. */
export function scale(update: ModuleUpdate, factor: number): ModuleUpdate {
  if (isLowRank(update)) return { b: scaleTensor(update.b, factor), a: update.a };
  return scaleTensor(update, factor);
}

/** Every module times `factor`. */
export function scaleAll(modules: Modules, factor: number): Modules {
  return new Map([...modules].map(([name, update]) => [name, scale(update, factor)]));
}

function scaleTensor({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((x) => factor * x) };
}

/** Frobenius norm; of factors that of b·a without forming it: |b·a|² = tr((bᵀb)(a·aᵀ)). */
export function frobenius(update: ModuleUpdate): number {
  if (!isLowRank(update)) return norm(update.data);
  const b = toMatrix(update.b);
  const a = toMatrix(update.a);
  // Rounding may leave a product that is zero a little below it.
  return Math.sqrt(Math.max(0, dot(multiplyTN(b, b), gramNT(a))));
}

function toMatrix({ shape, data }: Tensor): Matrix {
  return Matrix.fromRowMajor(shape[0] ?? 1, shape[1] ?? 1, data);
}

/** `values`, row-major, as a tensor of the shape and dtype of `like`. */
export function tensorLike(like: Tensor, values: Float64Array): Tensor {
  const { shape } = like;
  return { shape, data: like.data instanceof Float32Array ? Float32Array.from(values) : values };
}
