import {
  addScaled,
  hstack,
  leadingLeft,
  leadingSpace,
  Matrix,
  multiply,
  multiplyTN,
  stream,
  item,
} from "@fedclair/linalg";

/**
 * Rows of a sketch that is searched. It keeps a space of few dimensions exactly without noise, and
 * closely with noise.
 */
export const sketchRows = 256;
/** Rows of a sketch that shows roughly how well spaces of few dimensions fit. */
export const roughRows = 64;

/** Number of rows of the sketch that each row of a block is added to. */
const targetsPerRow = 4;

/**
 * Creates a sparse sign sketch (Nelson and Nguyên, arXiv 1211.1002): every row of a block is added
 * to four rows of its sketch, with random signs and weight 1/√4. All blocks of a view use the same
 * sketch, so that spaces carry over.
 * @param rows p of the blocks
 * @param fewer rows of the sketches
 * @returns a function that sketches a p×w block
 */
export function createSketcher(
  rows: number,
  fewer: number,
  seed: number,
): (block: Matrix) => Matrix {
  const draw = stream("sketch").at(seed, rows);
  // Targets are distinct, because a row drawn twice with opposite signs would vanish.
  const targets = new Int32Array(rows * targetsPerRow);
  for (let i = 0; i < targets.length; i += targetsPerRow) {
    const distinct = new Set<number>();
    while (distinct.size < targetsPerRow) distinct.add(draw.int(fewer));
    targets.set([...distinct], i);
  }
  const signs = Float64Array.from(
    targets,
    () => (draw.int(2) - 0.5) * (2 / Math.sqrt(targetsPerRow)),
  );
  /**
   * Adds columns j … j + 3. Indices are unchecked, because all of a sketch's time is spent here.
   */
  const addColumns = (to: Float64Array, { data, cols }: Matrix, j: number) => {
    const startOf = (column: number) => Math.min(column, cols - 1) * rows;
    const [x0, x1, x2, x3] = [startOf(j), startOf(j + 1), startOf(j + 2), startOf(j + 3)];
    for (let i = 0, d = 0; i < rows; i++) {
      const y0 = data[x0 + i] as number;
      const y1 = data[x1 + i] as number;
      const y2 = data[x2 + i] as number;
      const y3 = data[x3 + i] as number;
      for (const end = d + targetsPerRow; d < end; d++) {
        const sign = signs[d] as number;
        const t0 = targets[d] as number;
        const t1 = t0 + fewer;
        const t2 = t1 + fewer;
        const t3 = t2 + fewer;
        to[t0] = (to[t0] as number) + sign * y0;
        to[t1] = (to[t1] as number) + sign * y1;
        to[t2] = (to[t2] as number) + sign * y2;
        to[t3] = (to[t3] as number) + sign * y3;
      }
    }
  };
  return (block) => {
    // Four columns at a time, so that targets are looked up once. The buffer has room for up to
    // three unused columns.
    const sketch = new Float64Array(fewer * (block.cols + 3));
    for (let j = 0; j < block.cols; j += 4) addColumns(sketch.subarray(j * fewer), block, j);
    return new Matrix(fewer, block.cols, sketch.subarray(0, fewer * block.cols));
  };
}

/** The blocks and sketches of all clients. */
export interface Sketched {
  /** Returns the p×w_k block of client k. */
  readonly blockOf: (k: number) => Matrix;
  /** Scale factors of the blocks. */
  readonly factors: readonly number[];
  /** Sketches, scaled already. */
  readonly sketches: readonly Matrix[];
}

/**
 * Lifts the leading space of the members' sketches to that of their blocks. The former is a
 * combination of the sketches' columns. The same combination of the blocks' columns is close, and a
 * few iterations on the blocks make it exact. A space of few columns is computed from the blocks
 * alone.
 * @param found r orthonormal columns in the sketch
 * @returns p×r, orthonormal columns
 */
export function liftFromSketch(
  { blockOf, factors, sketches }: Sketched,
  found: Matrix,
  members: readonly number[],
): Matrix {
  const { rows, cols } = blockOf(item(members, 0));
  if (members.length * cols <= sketchRows) {
    return leadingLeft(
      members.map((k) => blockOf(k).scale(item(factors, k))),
      found.cols,
    );
  }
  const perStack = Math.max(1, Math.min(groupSize, Math.floor(mostStacked / (rows * cols))));
  const groups = Array.from({ length: Math.ceil(members.length / perStack) }, (_, g) =>
    members.slice(g * perStack, (g + 1) * perStack),
  );
  const stackOf = (group: readonly number[]) =>
    hstack(
      group.map(blockOf),
      group.map((k) => item(factors, k)),
    );
  // Stacks that are too large to keep are made again for every product.
  const isKept = members.length * rows * cols <= mostStacked * 2;
  const stacks = isKept ? groups.map(stackOf) : undefined;
  const stackAt = (g: number) => stacks?.[g] ?? stackOf(item(groups, g));
  const count = groups.length;
  const apply = (x: Matrix) =>
    sumOver(count, (g) => {
      const stack = stackAt(g);
      return multiply(stack, multiplyTN(stack, x));
    });
  const start = sumOver(count, (g) => {
    const sketched = hstack(item(groups, g).map((k) => item(sketches, k)));
    return multiply(stackAt(g), multiplyTN(sketched, found));
  });
  return leadingSpace(apply, start, found.cols, { restarts: 8 }).basis;
}

/**
 * Number of members whose blocks are multiplied at once. Few large products are fast, but a single
 * one would exceed any cache.
 */
const groupSize = 64;

/** The numbers of one stack of blocks, at most: 128 MB. */
const mostStacked = 1 << 24;

/** Sums matrices that are computed one after another, at least one. */
function sumOver(count: number, matrixAt: (i: number) => Matrix): Matrix {
  const first = matrixAt(0);
  const sum = new Matrix(first.rows, first.cols);
  addScaled(sum, 1, first);
  for (let i = 1; i < count; i++) addScaled(sum, 1, matrixAt(i));
  return sum;
}
