import {
  frobenius,
  gramNT,
  hstack,
  leadingLeft,
  Matrix,
  median,
  multiply,
  multiplyTN,
  thinQr,
  thinSvd,
} from "@fedclair/linalg";
import { compress, type Change, type Side } from "./change.js";
import type { ClairOptions } from "./options.js";
import { liftFromSketch, sketcher, sketchRows } from "./sketch.js";

/** One module of all active clients seen from one side: what the search for the shared space works on. */
export interface View {
  readonly side: Side;
  /** p of the module; its q, on the right. */
  readonly extent: number;
  /** [Z_1 … Z_K], n×Σw_k, normalised; zero columns for a client that did not change the module. */
  readonly stack: Matrix;
  /** Z_k, n×w_k, one for each active client: columns of the stack. */
  readonly blocks: readonly Matrix[];
  /** Z_k·Z_kᵀ, n×n, where they are small enough to be kept. */
  readonly grams: readonly Matrix[] | undefined;
  /** Are all blocks that are not zero of one norm? */
  readonly isEven: boolean;
  readonly isZero: readonly boolean[];
  /** Left singular vectors of Z_k with a singular value above 1e-8 of the largest, by falling value, as many as may be sought. */
  readonly ownSpaces: readonly Matrix[];
  /** A space in the view's coordinates, fitted to the members, in those of the module: from n×r to p×r. */
  lift(basis: Matrix, members: readonly number[]): Matrix;
}

/** Numbers that the Gram matrices of a view may take: beyond, adding them up costs more than making them. */
const largestGrams = 1 << 20;

/**
 * Steps 1 and 2 for one module and side.
 * @param changes of the active clients, all dense or all factored
 * @param largestRank of a space that will be sought in the view
 * @param leastNorm a change with a norm up to it counts as zero
 */
export function viewOf(
  changes: readonly Change[],
  side: Side,
  { normalize, seed }: Pick<ClairOptions, "normalize" | "seed">,
  largestRank: number,
  leastNorm = 0,
): View {
  const full = normalised(
    changes.map((change) => compress(change, side)),
    normalize,
    leastNorm,
  );
  const { blocks: small, lift } = inFewRows(full, normalize, seed);
  const stack = hstack(small);
  const blocks = columnsOf(stack, small);
  const grams =
    blocks.length * stack.rows ** 2 > largestGrams ? undefined : blocks.map((b) => gramNT(b));
  return {
    side,
    extent: full[0]?.rows ?? 0,
    stack,
    blocks,
    grams,
    isEven: normalize === "unit",
    isZero: blocks.map(({ data }) => data.every((x) => x === 0)),
    ownSpaces: blocks.map((block, k) => ownSpace(block, grams?.[k], largestRank)),
    lift,
  };
}

/** Step 2. A block up to the least norm is rounding: it must vanish, not be blown up to unit norm. */
function normalised(
  blocks: readonly Matrix[],
  normalize: ClairOptions["normalize"],
  leastNorm = 0,
): Matrix[] {
  const norms = blocks.map(frobenius).map((norm) => (norm <= leastNorm ? 0 : norm));
  const positive = norms.filter((norm) => norm > 0);
  const middle = positive.length > 0 ? median(positive) : 1;
  const divisor = (norm: number) => {
    if (normalize === "unit") return norm;
    return normalize === "winsor" ? Math.max(norm, middle) : middle;
  };
  return blocks.map((block, k) => {
    const norm = norms[k] ?? NaN;
    return block.scale(norm === 0 ? 0 : 1 / divisor(norm));
  });
}

/** The Gram matrix finds the leading directions of a wide block, an SVD inside them tells the true ones from rounding. */
function ownSpace(block: Matrix, gram: Matrix | undefined, largestRank: number): Matrix {
  const narrow = block.cols <= largestRank;
  const leading = narrow
    ? thinQr(block).q
    : leadingLeft([block], Math.min(largestRank, block.rows), { gram });
  const { u, s } = thinSvd(multiplyTN(leading, block));
  const visible = s.filter((x) => x > 1e-8 * (s[0] ?? 0)).length;
  return multiply(leading, u.columns(0, Math.min(visible, largestRank)));
}

type Coordinates = Pick<View, "blocks" | "lift">;

/**
 * The same blocks in fewer rows: as they are if they have few, in an orthonormal basis of their stack (exact) if that has
 * few columns, else sketched.
 */
function inFewRows(
  blocks: readonly Matrix[],
  normalize: ClairOptions["normalize"],
  seed: number,
): Coordinates {
  const rows = blocks[0]?.rows ?? 0;
  const width = blocks.reduce((total, block) => total + block.cols, 0);
  if (Math.min(rows, width) > sketchRows) {
    const sketches = blocks.map(sketcher(rows, seed));
    return {
      // The sketch moves norms a little: what counted alike counts alike again.
      blocks: normalize === "unit" ? normalised(sketches, normalize) : sketches,
      lift: (basis, members) => liftFromSketch(blocks, sketches, basis, members),
    };
  }
  if (width >= rows) return { blocks, lift: (basis) => basis };
  const { q, r } = thinQr(hstack(blocks));
  return { blocks: columnsOf(r, blocks), lift: (basis) => multiply(q, basis) };
}

/** The columns of a stack that belong to each block, without a copy. */
function columnsOf(stack: Matrix, blocks: readonly Matrix[]): Matrix[] {
  let from = 0;
  return blocks.map(({ cols }) => stack.columns(from, (from += cols)));
}
