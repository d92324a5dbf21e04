import { UserError } from "@fedclair/core";
import { frobenius, Matrix, symmetricEigen } from "@fedclair/linalg";

/** The problem of rLogSpecT: min ‖S‖₁,₁ − α·Σ_i log d_i over graphs S with ‖CS − SC‖ ≤ δ. */
export interface Problem {
  /** C, N×N, symmetric. */
  readonly covariance: Matrix;
  /** δ > 0, in the scale of C. */
  readonly delta: number;
  /** α > 0; it only scales the graph. */
  readonly alpha: number;
}

/** Limits at which a solver ends. */
export interface SolverLimits {
  /** Certified relative gap, above 0, at which the solver has converged. */
  readonly tolerance: number;
  /** Maximum number of iterations, at least 1. */
  readonly maxIterations: number;
}

/**
 * Checks a problem.
 * @throws UserError that names the invalid value and what was expected
 */
export function checkProblem({ covariance, delta, alpha }: Problem): void {
  checkCovariance(covariance);
  // Without slack, a sample covariance only allows S = 0, which the log term forbids.
  if (!(delta > 0 && delta < Infinity)) {
    throw new UserError(`rLogSpecT: expected a finite delta > 0, got ${delta}`);
  }
  if (!(alpha > 0 && alpha < Infinity)) {
    throw new UserError(`rLogSpecT: expected a finite alpha > 0, got ${alpha}`);
  }
}

/**
 * Checks a covariance.
 * @throws UserError unless C is symmetric up to rounding, finite, not zero, and has at least two
 * nodes
 */
export function checkCovariance(c: Matrix): void {
  const n = c.rows;
  if (n !== c.cols || n < 2) {
    throw new UserError(`covariance: expected N×N with N ≥ 2, got ${c.rows}×${c.cols}`);
  }
  const bad = c.data.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const at = `(${bad % n}, ${Math.floor(bad / n)})`;
    throw new UserError(`covariance: entry ${at} is ${c.data[bad]}; expected finite numbers`);
  }
  const scale = frobenius(c);
  if (scale === 0) throw new UserError("covariance: all entries are 0; there is no signal");
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) {
      if (Math.abs(c.get(i, j) - c.get(j, i)) > 1e-9 * scale) {
        throw new UserError(
          `covariance: entries (${i}, ${j}) = ${c.get(i, j)} and (${j}, ${i}) = ${c.get(j, i)} differ; expected symmetry`,
        );
      }
    }
  }
}

/** Computes ‖C‖₂ of a symmetric matrix: its largest absolute eigenvalue. */
export function spectralNorm(c: Matrix): number {
  return Math.max(...symmetricEigen(c).values.map(Math.abs));
}

/** Computes C/‖C‖₂, the scale in which c₀ means the same for every covariance. */
export function toUnitNorm(c: Matrix): Matrix {
  return c.scale(1 / spectralNorm(c));
}

/**
 * Computes δ = c₀·√(log n/n), the rate of the error of sample covariances, for a covariance of ‖C‖₂
 * = 1.
 * @param samples n ≥ 3; fewer would give almost no slack
 * @throws UserError for fewer samples
 */
export function computeDelta(c0: number, samples: number): number {
  if (!(samples >= 3)) throw new UserError(`expected at least 3 samples in all, got ${samples}`);
  return c0 * Math.sqrt(Math.log(samples) / samples);
}
