import {
  frobenius,
  gramNT,
  hstack,
  leadingLeft,
  median,
  multiply,
  multiplyNT,
  multiplyTN,
  thinQr,
  thinSvd,
  type Matrix,
} from "@fedclair/linalg";
import { isFactored, type Change } from "./change.js";
import type { ClairOptions } from "./options.js";

export type Side = "left" | "right";

/** One module of all active clients seen from one side: what the search for the shared space works on. */
export interface View {
  readonly side: Side;
  /**
   * p×n with orthonormal columns, if all blocks together are narrower than the module's p rows (its q columns, on the right): they are
   * then written in this basis of their stack, which is exact. Undefined: n = p.
   */
  readonly coordinates: Matrix | undefined;
  /** Z_k, n×w_k, one for each active client, normalised; zero for a client that did not change the module. */
  readonly blocks: readonly Matrix[];
  /** Z_k·Z_kᵀ, n×n. */
  readonly grams: readonly Matrix[];
  readonly isZero: readonly boolean[];
  /** Left singular vectors of Z_k with a singular value above 1e-8 of the largest, by falling value, as many as may be sought. */
  readonly ownSpaces: readonly Matrix[];
}

/**
 * Steps 1 and 2 for one module and side.
 * @param changes of the active clients, all dense or all factored
 * @param largestRank of a space that will be sought in the view
 * @param leastNorm a change with a norm up to it counts as zero
 */
export function viewOf(
  changes: readonly Change[],
  side: Side,
  normalize: ClairOptions["normalize"],
  largestRank: number,
  leastNorm = 0,
): View {
  const compressed = changes.map((change) => compress(change, side));
  const norms = compressed.map(frobenius).map((norm) => (norm <= leastNorm ? 0 : norm));
  const divisors = divisorsOf(norms, normalize);
  // A block below the least norm is rounding: it must vanish, not be blown up to unit norm.
  const normalised = compressed.map((block, k) =>
    block.scale(norms[k] === 0 ? 0 : 1 / (divisors[k] ?? NaN)),
  );
  const { coordinates, blocks } = inStackCoordinates(normalised);
  const grams = blocks.map(gramNT);
  return {
    side,
    coordinates,
    blocks,
    grams,
    isZero: norms.map((norm) => norm === 0),
    ownSpaces: blocks.map((block, k) => ownSpace(block, grams[k], largestRank)),
  };
}

/** The Gram matrix finds the leading directions of a wide block, an SVD inside them tells the true ones from rounding. */
function ownSpace(block: Matrix, gram: Matrix | undefined, largestRank: number): Matrix {
  const narrow = block.cols <= largestRank;
  const leading = narrow
    ? thinQr(block).q
    : leadingLeft([block], Math.min(largestRank, block.rows), undefined, gram && [gram]);
  const { u, s } = thinSvd(multiplyTN(leading, block));
  const visible = s.filter((x) => x > 1e-8 * (s[0] ?? 0)).length;
  return multiply(leading, u.columns(0, Math.min(visible, largestRank)));
}

/**
 * A narrow block Y with X = Y·Qᵀ (left) or Xᵀ = Y·Qᵀ (right), Q of orthonormal columns: norms and left singular vectors
 * of Y are those of X, and a factored X is never multiplied out.
 */
function compress(change: Change, side: Side): Matrix {
  if (!isFactored(change)) return side === "left" ? change : change.transpose();
  const { b, a } = change;
  return side === "left"
    ? multiplyNT(b, thinQr(a.transpose()).r)
    : multiplyNT(a.transpose(), thinQr(b).r);
}

/** What each block is divided by. */
function divisorsOf(
  norms: readonly number[],
  normalize: ClairOptions["normalize"],
): readonly number[] {
  if (normalize === "unit") return norms;
  const positive = norms.filter((norm) => norm > 0);
  const middle = positive.length > 0 ? median(positive) : 1;
  return norms.map((norm) => (normalize === "winsor" ? Math.max(norm, middle) : middle));
}

function inStackCoordinates(blocks: readonly Matrix[]) {
  const width = blocks.reduce((total, block) => total + block.cols, 0);
  if (width >= (blocks[0]?.rows ?? 0)) return { coordinates: undefined, blocks };
  const coordinates = thinQr(hstack(blocks)).q;
  return { coordinates, blocks: blocks.map((block) => multiplyTN(coordinates, block)) };
}
