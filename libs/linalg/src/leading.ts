import { leadingSpace } from "./block-krylov.js";
import { leadingEigenvectors } from "./leading-eigen.js";
import { hstack, type Matrix } from "./matrix.js";
import { gramNT, gramTN, multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { intoRange } from "./range.js";

/** What may be known already when a leading space is sought. */
export interface Known {
  /** Z·Zᵀ, n×n. */
  readonly gram?: Matrix | undefined;
  /** n×s, a space near the one sought: it saves iterations and changes the result by rounding only. */
  readonly guess?: Matrix | undefined;
}

/** Up to this many columns, the eigenvectors of ZᵀZ are computed where it is the smaller Gram matrix. */
const direct = 128;
/** Up to this many rows, computing eigenvectors of Z·Zᵀ takes no longer than iterating: from nowhere, and from a guess. */
const mostRows = { fromNowhere: 256, fromGuess: 128 };

/**
 * The leading left singular vectors of blocks stacked side by side, Z = [Z₁ Z₂ …].
 *
 * The eigenvectors of Z·Zᵀ, or of ZᵀZ if that is smaller, lose directions below 1e-8 of the largest singular value. Where the
 * stack has exactly low rank, one step of orthogonal iteration on the stack itself makes them accurate to rounding again.
 * @param blocks all with the same number of rows n, at least one
 * @param rank r in 0 … n
 * @returns n×r, orthonormal columns, by falling singular value
 * @throws RangeError if there is no block, if heights differ, if an entry is not finite, or if r is not such a rank
 */
export function leadingLeft(blocks: readonly Matrix[], rank: number, known: Known = {}): Matrix {
  const [first] = blocks;
  if (first === undefined) throw new RangeError("leadingLeft: expected at least one block");
  const rows = first.rows;
  if (!Number.isInteger(rank) || rank < 0 || rank > rows) {
    throw new RangeError(`leadingLeft: expected a rank of 0 to ${rows}, got ${rank}`);
  }
  const { scaled: stack } = intoRange(
    blocks.length === 1 ? first : hstack(blocks),
    300,
    "leadingLeft",
  );
  return thinQr(timesGram(stack, startOf(stack, rank, known))).q;
}

function startOf(stack: Matrix, rank: number, known: Known): Matrix {
  const { rows, cols } = stack;
  if (rank <= cols && cols < rows && cols <= direct) {
    return multiply(stack, leadingEigenvectors(gramTN(stack), rank));
  }
  const most = known.guess === undefined ? mostRows.fromNowhere : mostRows.fromGuess;
  const found = rows > most && rank > 0 ? iterated(stack, rank, known) : undefined;
  return found ?? leadingEigenvectors(known.gram ?? gramNT(stack), rank);
}

/** Undefined if it does not converge soon, as where the spectrum has no gap. */
function iterated(stack: Matrix, rank: number, { gram, guess }: Known): Matrix | undefined {
  // A stack much wider than tall is read once, for its Gram matrix, rather than in every application.
  const square = gram ?? (stack.cols > 4 * stack.rows ? gramNT(stack) : undefined);
  const apply = (x: Matrix) => (square ? multiply(square, x) : timesGram(stack, x));
  // Where the eigenvectors themselves are soon computed, a guess helps at once or not at all.
  const restarts = stack.rows > mostRows.fromNowhere ? 4 : 1;
  const { basis, converged } = leadingSpace(apply, guess ?? stack.columns(0, 0), rank, {
    restarts,
  });
  return converged ? basis : undefined;
}

/** Z·Zᵀ·X */
function timesGram(stack: Matrix, x: Matrix): Matrix {
  return multiply(stack, multiplyTN(stack, x));
}
