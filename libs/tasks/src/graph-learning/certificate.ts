import { frobenius, sum, type Matrix, at } from "@fedclair/linalg";
import { commutator, commutatorAdjoint, degreesOf, objectiveOf } from "./operators.js";
import { pairs } from "./packing.js";
import type { Problem } from "./problem.js";

/** A feasible graph with a proof of how good it is. */
export interface Certified {
  /** S, feasible up to rounding. */
  readonly graph: Matrix;
  /** f(S); never below the optimum. */
  readonly objective: number;
  /** Never above the optimum. */
  readonly dualBound: number;
  /** (objective − dualBound)/max(1, |objective|): the objective is proved to be that near to the optimum. */
  readonly gap: number;
  /** M, skew: of the commutator. ‖M‖ is the multiplier of the ball. */
  readonly multiplier: Matrix;
  /** v > 0: of the degrees. */
  readonly degreeMultipliers: Float64Array;
}

/**
 * Makes any graph feasible and any multipliers dual feasible, and compares their values: the stopping rule of both
 * solvers. Derived from the dual of rLogSpecT,
 * max α·Σ(1 + log(v_i/α)) − δ‖M‖ s.t. v_i + v_j ≤ 2(1 + [CM − MC]_ij) for i ≠ j.
 * @param graph a graph without isolated nodes; else the gap is infinite
 * @param m skew
 * @param v any numbers
 */
export function certify(problem: Problem, graph: Matrix, m: Matrix, v: Float64Array): Certified {
  const repaired = repairPrimal(problem, graph);
  const objective = objectiveOf(degreesOf(repaired), problem.alpha);
  const dual = repairDual(problem, m, v);
  const gap = (objective - dual.bound) / Math.max(1, Math.abs(objective));
  return {
    ...{ graph: repaired, objective, dualBound: dual.bound },
    // Infinity − Infinity of an isolated node must not pass for a small gap.
    gap: Number.isNaN(gap) ? Infinity : gap,
    ...{ multiplier: dual.m, degreeMultipliers: dual.v },
  };
}

/** The best graph on the ray of S: the optimum has ΣS ≤ αN, and scaling down enters the ball. */
function repairPrimal({ covariance, delta, alpha }: Problem, s: Matrix): Matrix {
  const mass = sum(s.data);
  if (mass === 0) return s;
  const distance = frobenius(commutator(covariance, s));
  return s.scale(Math.min((alpha * s.rows) / mass, delta / distance));
}

/** The value of the dual at (M, v). */
function dualValue({ delta, alpha }: Problem, m: Matrix, v: Float64Array): number {
  return sum(v.map((vi) => alpha * (1 + Math.log(vi / alpha)))) - delta * frobenius(m);
}

/** Scales M until the constraints leave room for v > 0, then v as far as they allow. */
function repairDual(problem: Problem, m: Matrix, v: Float64Array) {
  const { adjoint, factor } = makeRoom(problem.covariance, m, 1e-3);
  const positive = v.map((vi) => Math.max(vi, 1e-12));
  let ratio = Infinity;
  for (const [i, j] of pairs(m.rows, 1)) {
    const bound = 2 * (1 + factor * adjoint.get(i, j));
    ratio = Math.min(ratio, bound / (at(positive, i) + at(positive, j)));
  }
  const repaired = { m: m.scale(factor), v: positive.map((vi) => ratio * vi) };
  return { ...repaired, bound: dualValue(problem, repaired.m, repaired.v) };
}

/**
 * The adjoint A = CM − MC and the largest factor ≤ 1 for which 1 + factor·A_ij ≥ `least` in all pairs i ≠ j.
 * @param least in 0 … 1
 * @param from the first node of the pairs that count
 */
export function makeRoom(covariance: Matrix, m: Matrix, least: number, from = 0) {
  const adjoint = commutatorAdjoint(covariance, m);
  let lowest = 1;
  for (const [i, j] of pairs(m.rows, 1)) {
    if (i >= from) lowest = Math.min(lowest, 1 + adjoint.get(i, j));
  }
  return { adjoint, factor: lowest > least ? 1 : (1 - least) / (1 - lowest) };
}
