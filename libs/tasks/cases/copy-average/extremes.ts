import { symmetricEigen, type Matrix } from "@fedclair/linalg";

/** The smallest and the largest eigenvalue of a Hessian: a minimum has none below 0. */
export function extremes(hessian: Matrix): { smallest: number; largest: number } {
  const { values } = symmetricEigen(hessian);
  return { smallest: Math.min(...values), largest: Math.max(...values) };
}
