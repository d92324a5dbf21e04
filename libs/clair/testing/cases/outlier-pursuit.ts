import {
  addScaled,
  frobenius,
  hstack,
  Matrix,
  multiplyNT,
  norm,
  subtract,
  sum,
  thinSvd,
  item,
  at,
} from "@fedclair/linalg";

/**
 * The decomposition [Z_1 … Z_K] = L + S, where L has low rank and S is zero in the blocks of benign
 * clients.
 */
export interface ConvexDecomposition {
  /** The left singular vectors of L with a singular value above 1e-6 of the largest, p×r. */
  readonly basis: Matrix;
  /** |L|_* */
  readonly nuclear: number;
  /** |S_k|_F by block. */
  readonly blockNorms: readonly number[];
  /** |L|_* + λ·Σ|S_k|_F */
  readonly objective: number;
}

/**
 * Block Outlier Pursuit (after Xu, Caramanis and Sanghavi, "Robust PCA via Outlier Pursuit", arXiv
 * 1010.4237, with blocks in place of columns): min |L|_* + λ·Σ|S_k|_F with L + S = Z, by ADMM. It
 * is a cross-check of the search for small modules, and weaker against collusion: colluders on one
 * line defeat it beyond a share of 1/r of the clients.
 * @param blocks Z_k, at least one; they are not normalised here, CLAIR divides them by |Z_k|_F
 * @param lambda > 0; 1.05·sqrt(2r/K) suits a space of r dimensions and K clients
 */
export function outlierPursuit(blocks: readonly Matrix[], lambda: number): ConvexDecomposition {
  const z = hstack(blocks);
  const widths = blocks.map(({ cols }) => cols);
  const size = frobenius(z);
  let penalty = 1.25 / (thinSvd(z).s[0] ?? 1);
  let s = new Matrix(z.rows, z.cols);
  const y = new Matrix(z.rows, z.cols);
  for (let step = 0; step < 5000; step++) {
    const { low, values, u } = shrinkSpectrum(combine(z, s, y, penalty), 1 / penalty);
    s = shrinkBlocks(combine(z, low, y, penalty), widths, lambda / penalty);
    const gap = subtract(subtract(z, low), s);
    addScaled(y, penalty, gap);
    if (frobenius(gap) <= 1e-9 * size) return toDecomposition(u, values, s, widths, lambda);
    penalty = Math.min(1.05 * penalty, 1e7);
  }
  throw new Error(`outlier pursuit did not converge in 5000 steps at lambda ${lambda}`);
}

/** Z - X + Y/m */
function combine(z: Matrix, x: Matrix, y: Matrix, penalty: number): Matrix {
  const sum = z.data.map((value, i) => value - at(x.data, i) + at(y.data, i) / penalty);
  return new Matrix(z.rows, z.cols, sum);
}

/** Reduces every singular value by `by`, to at least zero. */
function shrinkSpectrum(x: Matrix, by: number) {
  const { u, s, v } = thinSvd(x);
  const values = s.map((value) => Math.max(0, value - by));
  const scaled = u.copy();
  values.forEach((value, j) => {
    scaled.column(j).forEach((x, i, column) => (column[i] = value * x));
  });
  return { low: multiplyNT(scaled, v), values, u };
}

/** Reduces the norm of every block by `by`, to at least zero. */
function shrinkBlocks(x: Matrix, widths: readonly number[], by: number): Matrix {
  return hstack(
    blocksOf(x, widths).map((block) => block.scale(Math.max(0, 1 - by / (frobenius(block) || 1)))),
  );
}

function blocksOf(x: Matrix, widths: readonly number[]): Matrix[] {
  let from = 0;
  return widths.map((width) => x.columns(from, (from += width)));
}

function toDecomposition(
  u: Matrix,
  values: Float64Array,
  s: Matrix,
  widths: readonly number[],
  lambda: number,
): ConvexDecomposition {
  const rank = values.filter((value) => value > 1e-6 * item(values, 0)).length;
  const blockNorms = blocksOf(s, widths).map((block) => norm(block.data));
  const nuclear = sum(values);
  return {
    basis: u.columns(0, rank),
    nuclear,
    blockNorms,
    objective: nuclear + lambda * sum(blockNorms),
  };
}
