import {
  addScaled,
  cholesky,
  frobenius,
  Matrix,
  multiplyNT,
  subtract,
  symmetricEigen,
  at,
} from "@fedclair/linalg";
import { createPacer } from "./pace.js";
import { listPairs, packStrict } from "./packing.js";
import { checkCovariance, type SolverLimits } from "./problem.js";

/** A sparse inverse covariance with its certificate. */
interface Glasso {
  /** Θ, N×N, symmetric and positive definite: a zero means conditional independence. */
  readonly precision: Matrix;
  /** −log det Θ + tr(CΘ) + λ·Σ_{i≠j} |Θ_ij|. */
  readonly objective: number;
  /** (objective − dual bound)/max(1, |objective|). */
  readonly gap: number;
  readonly iterations: number;
}

/** Iterations between two checks of the gap, and of the balance of the residuals. */
const checkEvery = 10;

/**
 * Solves the graphical lasso, min −log det Θ + tr(CΘ) + λ·Σ_{i≠j} |Θ_ij|, by ADMM (Boyd et al.
 * 2011, 6.5), whose iterates are positive definite for ill-conditioned C too. The diagonal is not
 * penalised, as in scikit-learn.
 * @param c positive definite, or λ > 0
 * @param lambda λ ≥ 0, in units of C
 * @throws UserError if C is not a covariance
 */
export async function solveGlasso(
  c: Matrix,
  lambda: number,
  { tolerance, maxIterations }: SolverLimits,
): Promise<Glasso> {
  checkCovariance(c);
  const pace = createPacer();
  let rho = 1;
  let sparse = Matrix.identity(c.rows);
  let scaled = new Matrix(c.rows, c.rows);
  for (let iteration = 1; ; iteration++) {
    const before = sparse;
    const theta = minimiseLogDet(c, subtract(sparse, scaled), rho);
    const target = theta.copy();
    addScaled(target, 1, scaled);
    sparse = shrink(target, lambda / rho);
    scaled = subtract(target, sparse);
    await pace();
    if (iteration % checkEvery !== 0 && iteration < maxIterations) continue;

    const certified = certify(c, sparse, scaled.scale(rho), lambda);
    if (certified.gap <= tolerance || iteration >= maxIterations) {
      return { precision: sparse, ...certified, iterations: iteration };
    }
    const primal = frobenius(subtract(theta, sparse));
    const dual = rho * frobenius(subtract(sparse, before));
    const factor = primal > 10 * dual ? 2 : dual > 10 * primal ? 1 / 2 : 1;
    rho *= factor;
    scaled = scaled.scale(1 / factor);
  }
}

/** Minimises −log det Θ + tr(CΘ) + (ρ/2)‖Θ − X‖² by the eigenvalues of ρX − C. */
function minimiseLogDet(c: Matrix, x: Matrix, rho: number): Matrix {
  const shifted = x.scale(rho);
  addScaled(shifted, -1, c);
  const { values, vectors } = symmetricEigen(shifted);
  const scaledVectors = vectors.copy();
  values.forEach((value, j) => {
    const root = Math.sqrt(value ** 2 + 4 * rho);
    // For value < 0 the sum cancels; the two roots of ρθ² − value·θ − 1 have the product −1/ρ.
    const own = value >= 0 ? (value + root) / (2 * rho) : 2 / (root - value);
    scaledVectors.column(j).set(vectors.column(j).map((v) => own * v));
  });
  return multiplyNT(scaledVectors, vectors);
}

/** Moves all entries except the diagonal towards 0 by `by`. */
function shrink(x: Matrix, by: number): Matrix {
  const out = x.copy();
  for (const [i, j] of listPairs(x.rows, 1)) {
    const value = (x.get(i, j) + x.get(j, i)) / 2;
    setPair(out, i, j, Math.sign(value) * Math.max(Math.abs(value) - by, 0));
  }
  return out;
}

/**
 * The weights of a graph from an inverse covariance: the absolute partial correlations
 * |Θ_ij|/√(Θ_ii·Θ_jj).
 */
export function toPartialCorrelations(precision: Matrix): Matrix {
  const n = precision.rows;
  const graph = new Matrix(n, n);
  for (const [i, j] of listPairs(n, 1)) {
    const scale = Math.sqrt(precision.get(i, i) * precision.get(j, j));
    setPair(graph, i, j, Math.abs(precision.get(i, j)) / scale);
  }
  return graph;
}

/** Scales a covariance to correlations, so that λ means the same for every node. */
export function toCorrelations(c: Matrix): Matrix {
  const out = c.copy();
  for (let j = 0; j < c.rows; j++) {
    for (let i = 0; i < c.rows; i++) {
      out.data[i + j * c.rows] = c.get(i, j) / Math.sqrt(c.get(i, i) * c.get(j, j));
    }
  }
  return out;
}

/**
 * Computes the objective of Θ and its distance from the dual bound log det W + N, which holds for
 * any positive definite W with the diagonal of C and all other entries within λ of it.
 * @param multiplier W − C up to rounding
 */
function certify(c: Matrix, theta: Matrix, multiplier: Matrix, lambda: number) {
  const penalty = 2 * lambda * packStrict(theta).reduce((total, x) => total + Math.abs(x), 0);
  const trace = theta.data.reduce((total, x, k) => total + x * at(c.data, k), 0);
  const objective = trace - logDeterminant(theta) + penalty;
  const w = c.copy();
  for (const [i, j] of listPairs(c.rows, 1)) {
    const change = Math.min(Math.max(multiplier.get(i, j), -lambda), lambda);
    setPair(w, i, j, c.get(i, j) + change);
  }
  const gap = (objective - logDeterminant(w) - c.rows) / Math.max(1, Math.abs(objective));
  return { objective, gap: Number.isNaN(gap) ? Infinity : gap };
}

/** log det of a symmetric matrix; −Infinity unless it is positive definite. */
function logDeterminant(matrix: Matrix): number {
  const root = cholesky(matrix);
  if (root === undefined) return -Infinity;
  let total = 0;
  for (let i = 0; i < matrix.rows; i++) total += 2 * Math.log(root.get(i, i));
  return total;
}

function setPair(matrix: Matrix, i: number, j: number, value: number): void {
  matrix.data[i + j * matrix.rows] = value;
  matrix.data[j + i * matrix.rows] = value;
}
