import { leadingSpace } from "./block-krylov.js";
import { leadingEigenvectors } from "./leading-eigen.js";
import { hstack, Matrix } from "./matrix.js";
import { gramNT, gramTN, multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { intoRange } from "./range.js";
import { norm } from "./stats.js";

/** Up to so many columns, or rows, eigenvectors of ZᵀZ, or of Z·Zᵀ, are computed: that takes no longer than iterating. */
const direct = { columns: 128, rows: 256 };
/** An eigenvector of Z·Zᵀ with a smaller share of the largest eigenvalue has lost more than three of sixteen digits. */
const leastShare = 1e-3;

/**
 * The leading left singular vectors of blocks stacked side by side, Z = [Z₁ Z₂ …].
 *
 * The eigenvectors of Z·Zᵀ, or of ZᵀZ if that is smaller, lose directions below 1e-8 of the largest singular value. Where the
 * stack has exactly low rank, one step of orthogonal iteration on the stack itself makes them accurate to rounding again.
 * @param blocks all with the same number of rows n, at least one
 * @param rank r in 0 … n
 * @param gram Z·Zᵀ, where it is known
 * @returns n×r, orthonormal columns, by falling singular value
 * @throws RangeError if there is no block, if heights differ, if an entry is not finite, or if r is not such a rank
 */
export function leadingLeft(blocks: readonly Matrix[], rank: number, gram?: Matrix): Matrix {
  const [first] = blocks;
  if (first === undefined) throw new RangeError("leadingLeft: expected at least one block");
  const rows = first.rows;
  if (!Number.isInteger(rank) || rank < 0 || rank > rows) {
    throw new RangeError(`leadingLeft: expected a rank of 0 to ${rows}, got ${rank}`);
  }
  const cols = blocks.reduce((total, block) => total + block.cols, 0);
  const isNarrow = rank <= cols && cols < rows && cols <= direct.columns;
  const ofGram = gram && !isNarrow ? eigenvectorsOf(gram, rank) : undefined;
  if (gram && ofGram && rank > 0) {
    // Where all directions are clear, the stack itself adds no digits.
    const image = multiply(gram, ofGram);
    if (norm(image.column(rank - 1)) > leastShare * norm(image.column(0))) return thinQr(image).q;
  }
  const { scaled: stack } = intoRange(
    blocks.length === 1 ? first : hstack(blocks),
    300,
    "leadingLeft",
  );
  const start = isNarrow
    ? multiply(stack, leadingEigenvectors(gramTN(stack), rank))
    : (ofGram ?? vectorsOf(stack, rank));
  return thinQr(timesGram(stack, start)).q;
}

/** Of Z. */
function vectorsOf(stack: Matrix, rank: number): Matrix {
  const { rows, cols } = stack;
  // A stack that is not much wider than tall is read in every application, rather than once for its Gram matrix.
  if (rows <= direct.rows || cols > 4 * rows) return eigenvectorsOf(gramNT(stack), rank);
  const found = iterated((x) => timesGram(stack, x), rows, rank);
  return found ?? leadingEigenvectors(gramNT(stack), rank);
}

/** Of Z·Zᵀ. */
function eigenvectorsOf(gram: Matrix, rank: number): Matrix {
  const { rows } = gram;
  const found = rows > direct.rows ? iterated((x) => multiply(gram, x), rows, rank) : undefined;
  return found ?? leadingEigenvectors(gram, rank);
}

/** Undefined if it does not converge soon, as where the spectrum has no gap. */
function iterated(apply: (x: Matrix) => Matrix, rows: number, rank: number): Matrix | undefined {
  if (rank === 0) return undefined;
  const { basis, converged } = leadingSpace(apply, new Matrix(rows, 0), rank, { restarts: 4 });
  return converged ? basis : undefined;
}

/** Z·Zᵀ·X */
function timesGram(stack: Matrix, x: Matrix): Matrix {
  return multiply(stack, multiplyTN(stack, x));
}
