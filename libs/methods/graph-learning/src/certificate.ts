import { frobenius, sum, type Matrix, at } from "@fedclair/linalg";
import {
  computeCommutator,
  computeCommutatorAdjoint,
  computeDegrees,
  computeObjective,
} from "./operators.js";
import { listPairs } from "./packing.js";
import type { Problem } from "./problem.js";

/** A feasible graph with a proof of its quality. */
export interface CertifiedGraph {
  /** S, feasible up to rounding. */
  readonly graph: Matrix;
  /** f(S), an upper bound of the optimum. */
  readonly objective: number;
  /** A lower bound of the optimum. */
  readonly dualBound: number;
  /**
   * (objective − dualBound)/max(1, |objective|), a proven bound on the relative distance from the
   * optimum.
   */
  readonly gap: number;
  /** M, skew: the multiplier of the commutator. ‖M‖ is the multiplier of the ball. */
  readonly multiplier: Matrix;
  /** v > 0: the multipliers of the degrees. */
  readonly degreeMultipliers: Float64Array;
}

/**
 * Makes any graph feasible and any multipliers dual feasible, and compares their values. This is
 * the stopping rule of both solvers. It is derived from the dual of rLogSpecT, max α·Σ(1 +
 * log(v_i/α)) − δ‖M‖ s.t. v_i + v_j ≤ 2(1 + [CM − MC]_ij) for i ≠ j.
 * @param graph a graph without isolated nodes; with some, the gap is infinite
 * @param m skew
 * @param v any numbers
 */
export function certify(
  problem: Problem,
  graph: Matrix,
  m: Matrix,
  v: Float64Array,
): CertifiedGraph {
  const repaired = repairPrimal(problem, graph);
  const objective = computeObjective(computeDegrees(repaired), problem.alpha);
  const dual = repairDual(problem, m, v);
  const gap = (objective - dual.bound) / Math.max(1, Math.abs(objective));
  return {
    graph: repaired,
    objective,
    dualBound: dual.bound,
    // Infinity − Infinity of an isolated node must not pass for a small gap.
    gap: Number.isNaN(gap) ? Infinity : gap,
    multiplier: dual.m,
    degreeMultipliers: dual.v,
  };
}

/**
 * Finds the best graph on the ray of S. The optimum has ΣS ≤ αN, and scaling down enters the ball.
 */
function repairPrimal({ covariance, delta, alpha }: Problem, s: Matrix): Matrix {
  const mass = sum(s.data);
  if (mass === 0) return s;
  const distance = frobenius(computeCommutator(covariance, s));
  return s.scale(Math.min((alpha * s.rows) / mass, delta / distance));
}

/** Computes the value of the dual at (M, v). */
function computeDualValue({ delta, alpha }: Problem, m: Matrix, v: Float64Array): number {
  return sum(v.map((vi) => alpha * (1 + Math.log(vi / alpha)))) - delta * frobenius(m);
}

/** Scales M until the constraints leave room for v > 0, then v as far as they allow. */
function repairDual(problem: Problem, m: Matrix, v: Float64Array) {
  const { adjoint, factor } = makeRoom(problem.covariance, m, 1e-3);
  const positive = v.map((vi) => Math.max(vi, 1e-12));
  let ratio = Infinity;
  for (const [i, j] of listPairs(m.rows, 1)) {
    const bound = 2 * (1 + factor * adjoint.get(i, j));
    ratio = Math.min(ratio, bound / (at(positive, i) + at(positive, j)));
  }
  const repaired = { m: m.scale(factor), v: positive.map((vi) => ratio * vi) };
  return { ...repaired, bound: computeDualValue(problem, repaired.m, repaired.v) };
}

/**
 * Computes the adjoint A = CM − MC, and the largest factor ≤ 1 for which 1 + factor·A_ij ≥ `least`
 * for all pairs i ≠ j.
 * @param least in 0 … 1
 * @param from first node of the pairs to consider
 */
export function makeRoom(covariance: Matrix, m: Matrix, least: number, from = 0) {
  const adjoint = computeCommutatorAdjoint(covariance, m);
  let lowest = 1;
  for (const [i, j] of listPairs(m.rows, 1)) {
    if (i >= from) lowest = Math.min(lowest, 1 + adjoint.get(i, j));
  }
  return { adjoint, factor: lowest > least ? 1 : (1 - least) / (1 - lowest) };
}
