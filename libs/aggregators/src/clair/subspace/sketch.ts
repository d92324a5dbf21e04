import {
  addScaled,
  hstack,
  leadingSpace,
  Matrix,
  multiply,
  multiplyTN,
  stream,
  item,
} from "@fedclair/linalg";
import { zip } from "../lists.js";

/** Rows of a sketch that is searched: it keeps a space of few dimensions exactly without noise, and closely with noise. */
export const sketchRows = 256;
/** Rows of one that tells about how well spaces of few dimensions fit. */
export const roughRows = 64;

/** Rows of the sketch that one row of a block goes to. */
const spread = 4;

/**
 * A sparse sign sketch (Nelson and Nguyên, arXiv 1211.1002): every row of a block is added to four rows of its sketch, with random
 * signs and weight 1/√4. The same for all blocks of a view, so that spaces carry over.
 * @param rows p of the blocks
 * @param fewer rows of the sketches
 * @returns makes the sketch of a p×w block
 */
export function sketcher(rows: number, fewer: number, seed: number): (block: Matrix) => Matrix {
  const draw = stream("sketch").at(seed, rows);
  // Distinct ones: a row drawn twice with opposite signs would vanish.
  const targets = new Int32Array(rows * spread);
  for (let i = 0; i < targets.length; i += spread) {
    const distinct = new Set<number>();
    while (distinct.size < spread) distinct.add(draw.int(fewer));
    targets.set([...distinct], i);
  }
  const signs = Float64Array.from(targets, () => (draw.int(2) - 0.5) * (2 / Math.sqrt(spread)));
  return (block) => {
    const sketch = new Matrix(fewer, block.cols);
    for (let j = 0; j < block.cols; j++) {
      const from = block.column(j);
      const to = sketch.column(j);
      // Unchecked: all of a sketch's time is here.
      for (let i = 0, d = 0; i < from.length; i++) {
        const x = from[i] as number;
        for (const end = d + spread; d < end; d++) {
          const target = targets[d] as number;
          to[target] = (to[target] as number) + (signs[d] as number) * x;
        }
      }
    }
    return sketch;
  };
}

/** What was sketched, by client. */
export interface Sketched {
  /** p×w_k, made when it is asked for. */
  readonly blockOf: (k: number) => Matrix;
  /** What blocks count times. */
  readonly factors: readonly number[];
  /** As they count. */
  readonly sketches: readonly Matrix[];
}

/**
 * The leading space of the members' blocks, from the one of their sketches: the latter is a combination of the sketches' columns; the
 * same combination of the blocks' columns is close, and a few iterations on the blocks make it exact.
 * @param found r orthonormal columns in the sketch
 * @returns p×r, orthonormal columns
 */
export function liftFromSketch(
  { blockOf, factors, sketches }: Sketched,
  found: Matrix,
  members: readonly number[],
): Matrix {
  const stacks = stacksOf(members, (k) => blockOf(k).scale(item(factors, k)));
  const apply = (x: Matrix) => sumOfProducts(stacks, stacks, x);
  const sketched = stacksOf(members, (k) => item(sketches, k));
  const start = sumOfProducts(stacks, sketched, found);
  return leadingSpace(apply, start, found.cols, { restarts: 8 }).basis;
}

/** Members whose blocks are multiplied at once: few products are large ones, and one alone would be larger than any cache. */
const group = 64;

/** The members' blocks side by side, a group of them in each stack. */
function stacksOf(members: readonly number[], blockOf: (k: number) => Matrix): Matrix[] {
  return Array.from({ length: Math.ceil(members.length / group) }, (_, g) =>
    hstack(members.slice(g * group, (g + 1) * group).map(blockOf)),
  );
}

/** Σ L_g·(R_gᵀ·X) */
function sumOfProducts(left: readonly Matrix[], right: readonly Matrix[], x: Matrix): Matrix {
  const sum = new Matrix(item(left, 0).rows, x.cols);
  for (const [l, r] of zip(left, right)) addScaled(sum, 1, multiply(l, multiplyTN(r, x)));
  return sum;
}
