import { leadingEigenvectors } from "./leading-eigen.js";
import { addScaled, Matrix } from "./matrix.js";
import { gramNT, multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";

/**
 * The leading left singular vectors of blocks stacked side by side, [√w₁·Z₁ √w₂·Z₂ …], without building the stack.
 *
 * The eigenvectors of the stack's Gram matrix lose directions below 1e-8 of the largest singular value. One step of
 * orthogonal iteration on the blocks themselves brings an exactly low-rank stack back to rounding.
 * @param blocks all with the same number of rows n, at least one
 * @param rank r in 0 … n
 * @param weights w_k ≥ 0, one for each block; all 1 by default
 * @param grams Z_k·Z_kᵀ of each block, if they are at hand
 * @returns n×r, orthonormal columns, by falling singular value
 */
export function leadingLeft(
  blocks: readonly Matrix[],
  rank: number,
  weights?: ArrayLike<number>,
  grams?: readonly Matrix[],
): Matrix {
  const rows = blocks[0]?.rows;
  if (rows === undefined) throw new RangeError("leadingLeft: expected at least one block");
  if (rank > rows) throw new RangeError(`leadingLeft: rank ${rank} of a stack of ${rows} rows`);
  const gram = new Matrix(rows, rows);
  blocks.forEach((block, k) => {
    addScaled(gram, weights?.[k] ?? 1, grams?.[k] ?? gramNT(block));
  });
  const start = leadingEigenvectors(gram, rank);
  const image = new Matrix(rows, rank);
  blocks.forEach((block, k) => {
    addScaled(image, weights?.[k] ?? 1, multiply(block, multiplyTN(block, start)));
  });
  return thinQr(image).q;
}
