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
  symmetricEigenvalues,
  at,
} from "@fedclair/linalg";
import { sliceColumns } from "@fedclair/rules";
import type { Side } from "../updates/change.js";
import { gramOfMembers, type View } from "./fit.js";
import { ColumnGram, Grams } from "./grams.js";
import type { SpaceOptions } from "./view-measures.js";
import { liftFromSketch, createSketcher, sketchRows } from "./sketch.js";

/**
 * Runs steps 1 and 2 for one module and side. For blocks of many rows, the view keeps sketches and
 * reads the blocks again to lift a space.
 * @param count number of active clients, at least one
 * @param blockOf returns a client's block Y_k, see `compressChange`
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
    grams: 2 * stack.cols < blocks.length * stack.rows ? undefined : new Grams(blocks),
    columnGram: new ColumnGram(stack, blocks),
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

/** Finds the clients that a space of the given rank fits best. */
type MembersAt = (rank: number) => Promise<readonly number[]>;

/** Largest factor between the drop that a rough search finds at a rank and the true one. */
const maxRoughError = 2;

/**
 * Step 3: chooses the dimension of the shared space of one module. For rank auto, the search finds
 * for each candidate r the clients that an r-dimensional space fits best. The r with the clearest
 * drop of their spectrum from the r-th to the next direction wins. A spectrum of all clients would
 * count the colluders' directions. The space has at most half of the module's dimensions: a larger
 * one holds most of any change, so lying outside it would mean nothing.
 * @param views views of the module, from one or both sides
 * @param membersAt the search
 * @param roughlyAt a much faster search, if there is one; ranks with a drop far below its clearest
 * one are skipped
 */
export async function chooseRank(
  views: readonly View[],
  options: Pick<SpaceOptions, "rank" | "rankMax">,
  membersAt: MembersAt,
  roughlyAt?: MembersAt,
): Promise<number> {
  const rows = Math.min(...views.map(({ stack }) => stack.rows));
  if (options.rank !== "auto") return Math.min(options.rank, rows);
  const extent = Math.min(...views.map((view) => view.extent));
  const last = Math.min(options.rankMax, Math.floor(extent / 2), rows);
  const dropsBy = async (search: MembersAt, ranks: readonly number[]) => {
    const drops: number[] = [];
    for (const rank of ranks) drops.push(dropOf(await search(rank), rank));
    return drops;
  };
  const dropOf = createDropFunction(views);
  let ranks = indices(last).map((r) => r + 1);
  if (roughlyAt !== undefined) {
    const drops = await dropsBy(roughlyAt, ranks);
    const least = Math.max(...drops) / maxRoughError;
    ranks = ranks.filter((_, i) => item(drops, i) >= least);
  }
  if (ranks.length === 1) return item(ranks, 0);
  let best = { rank: Math.min(1, rows), drop: 0 };
  for (const [i, drop] of (await dropsBy(membersAt, ranks)).entries()) {
    // A higher rank must be better by more than rounding.
    if (drop > best.drop * (1 + 1e-9)) best = { rank: item(ranks, i), drop };
  }
  return best.rank;
}

/**
 * Creates a function for the drop λ_r / λ_{r+1} of the members' stack, with squared singular values
 * λ and the minimum over the views. λ below 1e-12 of the largest count as rounding. Spectra are
 * cached, because several ranks can have the same members.
 */
function createDropFunction(
  views: readonly View[],
): (members: readonly number[], rank: number) => number {
  const spectra = new Map<string, readonly Float64Array[]>();
  return (members, rank) => {
    const own =
      spectra.get(members.join()) ??
      views.map((view) =>
        symmetricEigenvalues(view.columnGram.of(members) ?? gramOfMembers(view, members)),
      );
    spectra.set(members.join(), own);
    return Math.min(
      ...own.map((values) => {
        const [last = 0, next = 0] = values.slice(rank - 1); // none if the space has all dimensions
        return last / Math.max(next, 1e-12 * at(values, 0));
      }),
    );
  };
}
