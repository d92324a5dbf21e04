import { symmetricEigen, type Matrix } from "@fedclair/linalg";

/** Computes the smallest and the largest eigenvalue of a Hessian. At a minimum, none is below 0. */
export function findExtremes(hessian: Matrix): { smallest: number; largest: number } {
  const { values } = symmetricEigen(hessian);
  return { smallest: Math.min(...values), largest: Math.max(...values) };
}
