import {
  columnEnergies,
  frobenius,
  hstack,
  leadingLeft,
  Matrix,
  median,
  multiply,
  multiplyTN,
  thinQr,
  thinSvd,
  item,
} from "@fedclair/linalg";
import { sliceColumns } from "../../factors.js";
import type { ClairOptions } from "../options.js";
import { indices } from "../lists.js";
import type { Side } from "./change.js";
import { Grams } from "./grams.js";
import { liftFromSketch, createSketcher, sketchRows } from "./sketch.js";

/** One module of all active clients seen from one side: what the search for the shared space works on. */
export interface View {
  readonly side: Side;
  /** p of the module; its q, on the right. */
  readonly extent: number;
  /** [Z_1 … Z_K], n×Σw_k, normalised; zero columns for a client that did not change the module. */
  readonly stack: Matrix;
  /** Squared norms of its columns. */
  readonly energies: Float64Array;
  /** Z_k, n×w_k, one for each active client: columns of the stack. */
  readonly blocks: readonly Matrix[];
  /** Where blocks are no narrower than tall. Narrower ones are multiplied as fast as these would be summed. */
  readonly grams: Grams | undefined;
  /** Are all blocks that are not zero of one norm? */
  readonly isEven: boolean;
  readonly isZero: readonly boolean[];
  /**
   * Left singular vectors of Z_k with a singular value above 1e-8 of the largest, by falling value, as many as may be sought.
   * Computed when they are first asked for, as only a search needs them.
   */
  ownSpace(k: number): Matrix;
  /** A space in the view's coordinates, fitted to the members, in those of the module: from n×r to p×r. */
  lift(basis: Matrix, members: readonly number[]): Matrix;
}

/** The dimension of the space sought in a view, at most the rows of its blocks. */
export interface RankedView {
  readonly view: View;
  readonly rank: number;
}

/** By client, how much of the space sought its block can show, 0 … 1; all, of a module that it did not change. */
export function computeVisibleShares({ view, rank }: RankedView): number[] {
  return view.isZero.map((zero, k) => (zero ? 1 : Math.min(1, view.ownSpace(k).cols / rank)));
}

/**
 * Steps 1 and 2 for one module and side. Where it has many rows the view keeps sketches, and asks for blocks again to lift a space.
 * @param count of active clients, at least one
 * @param blockOf gives a client's block Y_k, as `compress` says
 * @param largestRank of a space that will be sought in the view
 * @param leastNorm a change with a norm up to it counts as zero
 * @param mostRows a view that would have more is sketched in so many
 */
export function createView(
  count: number,
  blockOf: (k: number) => Matrix,
  side: Side,
  { normalize, seed }: Pick<ClairOptions, "normalize" | "seed">,
  largestRank: number,
  leastNorm = 0,
  mostRows = sketchRows,
): View {
  const read = readBlocks(count, blockOf, mostRows, seed);
  const factors = computeScales(read.norms, normalize, leastNorm);
  const { stack, lift } = reduceRows(read, factors, normalize, blockOf);
  const blocks = sliceColumns(stack, read.blocks);
  const own: Matrix[] = [];
  return {
    side,
    extent: read.rows,
    stack,
    energies: columnEnergies(stack),
    blocks,
    grams: stack.cols < blocks.length * stack.rows ? undefined : new Grams(blocks),
    isEven: normalize === "unit",
    isZero: blocks.map(({ data }) => data.every((x) => x === 0)),
    ownSpace: (k) => (own[k] ??= computeOwnSpace(item(blocks, k), largestRank)),
    lift,
  };
}

/** The blocks as a view takes them: as they are, or all in a sketch. */
interface BlocksRead {
  /** Of a block, before it was sketched. */
  readonly rows: number;
  readonly norms: readonly number[];
  readonly blocks: readonly Matrix[];
  readonly isSketched: boolean;
}

/** Sketches them if they have more rows and, together, more columns than a view may have rows: one after another, for all would fill the memory. */
function readBlocks(
  count: number,
  blockOf: (k: number) => Matrix,
  mostRows: number,
  seed: number,
): BlocksRead {
  let [rows, width] = [0, 0];
  let sketch: ReturnType<typeof createSketcher> | undefined;
  let blocks: Matrix[] = [];
  const norms = indices(count).map((k) => {
    const block = blockOf(k);
    rows = block.rows;
    width += block.cols;
    if (!sketch && Math.min(rows, width) > mostRows) {
      sketch = createSketcher(rows, mostRows, seed);
      blocks = blocks.map(sketch);
    }
    blocks.push(sketch ? sketch(block) : block);
    return frobenius(block);
  });
  return { rows, norms, blocks, isSketched: sketch !== undefined };
}

/** Step 2: what Z_k is Y_k times. A block up to the least norm is rounding: it must vanish, not be blown up to unit norm. */
function computeScales(
  given: readonly number[],
  normalize: ClairOptions["normalize"],
  leastNorm: number,
): number[] {
  const norms = given.map((norm) => (norm <= leastNorm ? 0 : norm));
  const positive = norms.filter((norm) => norm > 0);
  const middle = positive.length > 0 ? median(positive) : 1;
  const divisor = (norm: number) => {
    if (normalize === "unit") return norm;
    return normalize === "winsor" ? Math.max(norm, middle) : middle;
  };
  return norms.map((norm) => (norm === 0 ? 0 : 1 / divisor(norm)));
}

/** The Gram matrix finds the leading directions of a wide block; an SVD inside them tells the true ones from rounding. */
function computeOwnSpace(block: Matrix, largestRank: number): Matrix {
  const narrow = block.cols <= largestRank;
  const leading = narrow
    ? thinQr(block).q
    : leadingLeft([block], Math.min(largestRank, block.rows));
  const { u, s } = thinSvd(multiplyTN(leading, block));
  const visible = s.filter((x) => x > 1e-8 * (s[0] ?? 0)).length;
  return multiply(leading, u.columns(0, Math.min(visible, largestRank)));
}

/**
 * The blocks times their factors, in fewer rows: sketched, or as they are if they have few; or in an orthonormal basis of their stack,
 * which is exact, if that has few columns.
 */
function reduceRows(
  { blocks, isSketched }: BlocksRead,
  factors: readonly number[],
  normalize: ClairOptions["normalize"],
  blockOf: (k: number) => Matrix,
): Pick<View, "stack" | "lift"> {
  if (isSketched) {
    // The sketch moves norms a little: what counted alike counts alike again.
    const even = blocks.map((sketch, k) => (factors[k] === 0 ? 0 : 1 / (frobenius(sketch) || 1)));
    const stack = hstack(blocks, normalize === "unit" ? even : factors);
    return { stack, lift: createLift(stack, blocks, factors, blockOf) };
  }
  const stack = hstack(blocks, factors);
  if (stack.cols >= stack.rows) return { stack, lift: (basis) => basis };
  const { q, r } = thinQr(stack);
  return { stack: r, lift: (basis) => multiply(q, basis) };
}

/** From a stack of sketches, of whose memory nothing else is kept. */
function createLift(
  stack: Matrix,
  widths: readonly Pick<Matrix, "cols">[],
  factors: readonly number[],
  blockOf: (k: number) => Matrix,
): View["lift"] {
  const sketches = sliceColumns(stack, widths);
  return (basis, members) => liftFromSketch({ blockOf, factors, sketches }, basis, members);
}
