import { frobenius, Matrix, multiply, sum, at } from "@fedclair/linalg";

/*
 * The building blocks of (r)LogSpecT (Liu, Zhu, So, NeurIPS 2023, arXiv 2305.01379). C is a
 * symmetric covariance. S is a graph: symmetric, with zero diagonal, non-negative. Both are N×N.
 */

/**
 * Computes comm(C, S) = CS − SC, which vanishes for signals stationary on S. It is skew for
 * symmetric C and S.
 */
export function computeCommutator(c: Matrix, s: Matrix): Matrix {
  const product = multiply(c, s);
  return combine(product, (x, transposed) => x - transposed);
}

/** Computes the adjoint of S ↦ comm(C, S) at a skew M: CM − MC, symmetric. */
export function computeCommutatorAdjoint(c: Matrix, m: Matrix): Matrix {
  const product = multiply(c, m);
  return combine(product, (x, transposed) => x + transposed);
}

/**
 * Finds the nearest graph: makes x symmetric, sets its diagonal to zero, and clips negative
 * weights.
 */
export function projectGraph(x: Matrix): Matrix {
  return clearDiagonal(combine(x, (a, b) => Math.max((a + b) / 2, 0)));
}

/**
 * Finds the nearest graph whose first node has degree 1, as (r)SpecT requires. It is like
 * `projectGraph`, but the first row is projected on the simplex before clipping.
 */
export function projectUnitDegreeGraph(x: Matrix): Matrix {
  const symmetric = combine(x, (a, b) => (a + b) / 2);
  const row = projectSimplex(symmetric.column(0).subarray(1));
  const graph = projectGraph(symmetric);
  row.forEach((weight, i) => {
    graph.data[i + 1] = weight;
    graph.data[(i + 1) * graph.rows] = weight;
  });
  return graph;
}

/**
 * Finds the nearest vector of non-negative numbers that sum to 1, by sorting (Held, Wolfe, Crowder
 * 1974).
 */
export function projectSimplex(x: Float64Array): Float64Array {
  const falling = x.slice().sort().reverse();
  let total = 0;
  let shift = 0;
  for (const [k, value] of falling.entries()) {
    total += value;
    const candidate = (total - 1) / (k + 1);
    if (value > candidate) shift = candidate;
  }
  return x.map((value) => Math.max(value - shift, 0));
}

/**
 * Minimises −α·log q + (ρ/2)(q − x)² entry by entry; the result is positive.
 * @param ratio α/ρ > 0
 */
export function proxNegLog(x: Float64Array, ratio: number): Float64Array {
  return x.map((t) => {
    const root = Math.sqrt(t * t + 4 * ratio);
    // For t < 0 the sum cancels; use that the two roots have the product −α/ρ.
    return t >= 0 ? (t + root) / 2 : (2 * ratio) / (root - t);
  });
}

/** Finds the nearest matrix of Frobenius norm at most `radius`. */
export function projectBall(x: Matrix, radius: number): Matrix {
  const length = frobenius(x);
  return length > radius ? x.scale(radius / length) : x;
}

/** Computes the degrees d = S·1. */
export function computeDegrees(s: Matrix): Float64Array {
  return Float64Array.from({ length: s.cols }, (_, j) => sum(s.column(j)));
}

/** Computes f(S) = Σ_i (d_i − α·log d_i); infinite for an isolated node. */
export function computeObjective(degrees: Float64Array, alpha: number): number {
  return sum(degrees.map((d) => d - alpha * Math.log(d)));
}

/** Computes entry (i, j) from x_ij and x_ji. */
function combine(x: Matrix, entry: (here: number, transposed: number) => number): Matrix {
  const n = x.rows;
  const out = new Matrix(n, n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      out.data[i + j * n] = entry(at(x.data, i + j * n), at(x.data, j + i * n));
    }
  }
  return out;
}

function clearDiagonal(x: Matrix): Matrix {
  for (let i = 0; i < x.rows; i++) x.data[i * (x.rows + 1)] = 0;
  return x;
}
