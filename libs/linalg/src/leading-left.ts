import { leadingSpace } from "./block-krylov.js";
import { leadingEigenvectors } from "./leading-eigen.js";
import { hstack, Matrix } from "./matrix.js";
import { gramNT, gramTN, multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { scaleIntoRange } from "./scale-range.js";
import { norm } from "./stats.js";

/**
 * Up to this number of columns or rows, the eigenvectors of ZᵀZ or Z·Zᵀ are computed directly: that
 * is no slower than iterating.
 */
const direct = 256;
/**
 * Eigenvectors of Z·Zᵀ with a smaller share of the largest eigenvalue have lost more than three of
 * sixteen digits.
 */
const leastShare = 1e-3;

/**
 * The leading left singular vectors of blocks stacked side by side, Z = [Z₁ Z₂ …].
 *
 * The eigenvectors of Z·Zᵀ, or of ZᵀZ if that is smaller, lose directions below 1e-8 of the largest
 * singular value. If the stack has exactly low rank, one step of orthogonal iteration on the stack
 * itself makes them accurate to rounding again.
 * @param blocks all with the same number of rows n, at least one
 * @param rank r in 0 … n
 * @param known Z·Zᵀ or ZᵀZ, if it is known
 * @returns n×r, orthonormal columns, by descending singular value
 * @throws RangeError if there is no block, heights differ, an entry is not finite, or the rank is
 * out of range
 */
export function leadingLeft(
  blocks: readonly Matrix[],
  rank: number,
  known: { readonly gram?: Matrix | undefined; readonly columnGram?: Matrix | undefined } = {},
): Matrix {
  const [first] = blocks;
  if (first === undefined) throw new RangeError("leadingLeft: expected at least one block");
  const rows = first.rows;
  if (!Number.isInteger(rank) || rank < 0 || rank > rows) {
    throw new RangeError(`leadingLeft: expected a rank of 0 to ${rows}, got ${rank}`);
  }
  const cols = blocks.reduce((total, block) => total + block.cols, 0);
  const { gram } = known;
  const isNarrow = rank <= cols && cols < rows && cols <= direct;
  const gramVectors = gram && !isNarrow ? computeEigenvectors(gram, rank) : undefined;
  if (gram && gramVectors) {
    const image = multiply(gram, gramVectors);
    if (areAccurate(image, leastShare)) return thinQr(image).q;
  }
  const { scaled: stack } = scaleIntoRange(
    blocks.length === 1 ? first : hstack(blocks),
    300,
    "leadingLeft",
  );
  if (!isNarrow) {
    return thinQr(multiplyGram(stack, gramVectors ?? computeLeftVectors(stack, rank))).q;
  }
  const vectors = leadingEigenvectors(known.columnGram ?? gramTN(stack), rank);
  const image = multiply(stack, vectors);
  // The columns are as long as the singular values, the roots of the eigenvalues.
  if (areAccurate(image, Math.sqrt(leastShare))) return thinQr(image).q;
  return thinQr(multiplyGram(stack, image)).q;
}

/**
 * Whether eigenvectors are so accurate that a further step with the stack would add no digits.
 * @param image their images, by descending length
 */
function areAccurate(image: Matrix, least: number): boolean {
  return image.cols === 0 || norm(image.column(image.cols - 1)) > least * norm(image.column(0));
}

/** The leading left singular vectors of the stack Z. */
function computeLeftVectors(stack: Matrix, rank: number): Matrix {
  const { rows, cols } = stack;
  // Unless the stack is much wider than tall, reading it in every application is cheaper than
  // computing its Gram matrix.
  if (rows <= direct || cols > 4 * rows) return computeEigenvectors(gramNT(stack), rank);
  const found = iterate((x) => multiplyGram(stack, x), rows, rank);
  return found ?? leadingEigenvectors(gramNT(stack), rank);
}

/** The leading eigenvectors of a Gram matrix Z·Zᵀ. */
function computeEigenvectors(gram: Matrix, rank: number): Matrix {
  const { rows } = gram;
  const found = rows > direct ? iterate((x) => multiply(gram, x), rows, rank) : undefined;
  return found ?? leadingEigenvectors(gram, rank);
}

/** Returns undefined if it does not converge soon, for example if the spectrum has no gap. */
function iterate(apply: (x: Matrix) => Matrix, rows: number, rank: number): Matrix | undefined {
  if (rank === 0) return undefined;
  const { basis, converged } = leadingSpace(apply, new Matrix(rows, 0), rank, { restarts: 4 });
  return converged ? basis : undefined;
}

/** Z·Zᵀ·X */
function multiplyGram(stack: Matrix, x: Matrix): Matrix {
  return multiply(stack, multiplyTN(stack, x));
}
