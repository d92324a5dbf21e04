import {
  columnEnergies,
  frobenius,
  hstack,
  leadingLeft,
  Matrix,
  multiply,
  multiplyTN,
  thinQr,
  thinSvd,
  item,
  indices,
} from "@fedclair/linalg";
import { sliceColumns } from "@fedclair/rules";
import type { Side } from "../updates/change.js";
import { Grams } from "./grams.js";
import { liftFromSketch, createSketcher, sketchRows } from "./sketch.js";

/**
 * One module of all active clients, seen from one side. The search for the shared space works on
 * views.
 */
export interface View {
  readonly side: Side;
  /** p of the module on the left, q on the right. */
  readonly extent: number;
  /**
   * [Z_1 … Z_K], n×Σw_k. Every block has norm 1, so that no client counts more by sending a larger
   * change. It is zero if the client did not change the module.
   */
  readonly stack: Matrix;
  /** Squared norms of the stack's columns. */
  readonly energies: Float64Array;
  /** Z_k, n×w_k, one for each active client, as columns of the stack. */
  readonly blocks: readonly Matrix[];
  /**
   * Gram matrices, if blocks are at least as wide as tall. Narrower blocks are multiplied as fast
   * as Gram matrices are summed.
   */
  readonly grams: Grams | undefined;
  readonly isZero: readonly boolean[];
  /**
   * The left singular vectors of Z_k with a singular value above 1e-8 of the largest, by descending
   * value, up to the largest rank. They are computed on first use, because only a search needs
   * them.
   */
  ownSpace(k: number): Matrix;
  /**
   * Lifts a space that was fitted to the members from the view's coordinates (n×r) to those of the
   * module (p×r).
   */
  lift(basis: Matrix, members: readonly number[]): Matrix;
}

/** A view with the dimension of the wanted space, at most the number of rows of its blocks. */
export interface RankedView {
  readonly view: View;
  readonly rank: number;
}

/**
 * The share of the wanted space that each client's block can show, 0 … 1; 1 for an unchanged
 * module.
 */
export function computeVisibleShares({ view, rank }: RankedView): number[] {
  return view.isZero.map((zero, k) => (zero ? 1 : Math.min(1, view.ownSpace(k).cols / rank)));
}

/**
 * Runs steps 1 and 2 for one module and side. For blocks of many rows, the view keeps sketches and
 * reads the blocks again to lift a space.
 * @param count number of active clients, at least one
 * @param blockOf returns a client's block Y_k, see `compress`
 * @param seed seed of the sketch
 * @param largestRank largest rank of a space that will be searched in the view
 * @param leastNorm changes with a norm up to this value count as zero
 * @param mostRows blocks with more rows are sketched to this number
 */
export function createView(
  count: number,
  blockOf: (k: number) => Matrix,
  side: Side,
  seed: number,
  largestRank: number,
  leastNorm = 0,
  mostRows = sketchRows,
): View {
  const read = readBlocks(count, blockOf, mostRows, seed);
  const factors = computeScales(read.norms, leastNorm);
  const { stack, lift } = reduceRows(read, factors, blockOf);
  const blocks = sliceColumns(stack, read.blocks);
  const own: Matrix[] = [];
  return {
    side,
    extent: read.rows,
    stack,
    energies: columnEnergies(stack),
    blocks,
    grams: stack.cols < blocks.length * stack.rows ? undefined : new Grams(blocks),
    isZero: blocks.map(({ data }) => data.every((x) => x === 0)),
    ownSpace: (k) => (own[k] ??= computeOwnSpace(item(blocks, k), largestRank)),
    lift,
  };
}

/** The blocks of a view, either all unchanged or all sketched. */
interface BlocksRead {
  /** Rows of a block before it was sketched. */
  readonly rows: number;
  readonly norms: readonly number[];
  readonly blocks: readonly Matrix[];
  readonly isSketched: boolean;
}

/**
 * Reads the blocks and sketches them if they have more rows and, together, more columns than a view
 * may have rows. They are read one after another, because all blocks together would fill the
 * memory.
 */
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

/**
 * Step 2: computes the factors from Y_k to Z_k of norm 1. A block up to the least norm is rounding
 * error and must become zero instead.
 */
function computeScales(norms: readonly number[], leastNorm: number): number[] {
  return norms.map((norm) => (norm <= leastNorm ? 0 : 1 / norm));
}

/**
 * The Gram matrix finds the leading directions of a wide block; an SVD inside them separates the
 * true ones from rounding errors.
 */
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
 * Returns the scaled blocks in fewer rows. Sketched blocks stay as they are. Unsketched ones are
 * expressed in an orthonormal basis of their stack if it has fewer columns than rows, which is
 * exact.
 */
function reduceRows(
  { blocks, isSketched }: BlocksRead,
  factors: readonly number[],
  blockOf: (k: number) => Matrix,
): Pick<View, "stack" | "lift"> {
  if (isSketched) {
    // The sketch changes norms slightly, so blocks are normalised again.
    const even = blocks.map((sketch, k) => (factors[k] === 0 ? 0 : 1 / (frobenius(sketch) || 1)));
    const stack = hstack(blocks, even);
    return { stack, lift: createLift(stack, blocks, factors, blockOf) };
  }
  const stack = hstack(blocks, factors);
  if (stack.cols >= stack.rows) return { stack, lift: (basis) => basis };
  const { q, r } = thinQr(stack);
  return { stack: r, lift: (basis) => multiply(q, basis) };
}

/** Creates the lift for a stack of sketches, and retains no other memory of them. */
function createLift(
  stack: Matrix,
  widths: readonly Pick<Matrix, "cols">[],
  factors: readonly number[],
  blockOf: (k: number) => Matrix,
): View["lift"] {
  const sketches = sliceColumns(stack, widths);
  return (basis, members) => liftFromSketch({ blockOf, factors, sketches }, basis, members);
}
