import { symmetricEigen, type Matrix } from "@fedclair/linalg";

/** tr(C) */
export function traceOf(c: Matrix): number {
  let trace = 0;
  for (let i = 0; i < c.rows; i++) trace += c.get(i, i);
  return trace;
}

/** C·N/tr(C): clients that measure in other units, or scale their signals, count alike. */
export function toUnitTrace(c: Matrix): Matrix {
  return c.scale(c.rows / traceOf(c));
}

/** Why a symmetric matrix is no sample covariance; undefined if it is one. */
export function faultOf(c: Matrix): string | undefined {
  const trace = traceOf(c);
  // Of a denormal trace N/tr(C) is infinite.
  if (!(trace > 0 && Number.isFinite(c.rows / trace))) return `its trace is ${trace}, expected > 0`;
  const least = symmetricEigen(c).values.at(-1) ?? NaN;
  if (least < -1e-8 * trace) return `its least eigenvalue is ${least}, expected ≥ 0`;
  return undefined;
}
