import { symmetricEigen, type Matrix } from "@fedclair/linalg";

/** Computes tr(C). */
export function computeTrace(c: Matrix): number {
  let trace = 0;
  for (let i = 0; i < c.rows; i++) trace += c.get(i, i);
  return trace;
}

/**
 * Computes C·N/tr(C), so that clients that measure in other units or scale their signals get the
 * same weight.
 */
export function toUnitTrace(c: Matrix): Matrix {
  return c.scale(c.rows / computeTrace(c));
}

/** Returns the reason why a symmetric matrix is not a sample covariance; undefined if it is one. */
export function findFault(c: Matrix): string | undefined {
  const trace = computeTrace(c);
  // For a denormal trace, N/tr(C) is infinite.
  if (!(trace > 0 && Number.isFinite(c.rows / trace))) return `its trace is ${trace}, expected > 0`;
  const least = symmetricEigen(c).values.at(-1) ?? NaN;
  if (least < -1e-8 * trace) return `its least eigenvalue is ${least}, expected ≥ 0`;
  return undefined;
}
