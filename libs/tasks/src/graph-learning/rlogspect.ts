import type { Matrix } from "@fedclair/linalg";
import { certify, type Certified } from "./certificate.js";
import { eadmm, type Iterated } from "./eadmm.js";
import { ladmm } from "./ladmm.js";
import { degreesOf, projectGraph } from "./operators.js";
import { checkProblem, type Effort, type Problem } from "./problem.js";

/** A learned graph, and what is known of it. */
export interface Solution extends Certified {
  readonly iterations: number;
  readonly degrees: Float64Array;
  readonly outcome: Outcome;
}

/**
 * - `solved`: within the tolerance of the optimum, for certain;
 * - `unconverged`: feasible, but the certificate stayed above the tolerance;
 * - `ball inactive`: within the tolerance of what the ball of comm(C, S) does not bound, so that any regular graph would do
 *   and C says nothing: δ is too large.
 */
export type Outcome = "solved" | "unconverged" | "ball inactive";

export type Solver = "eadmm" | "ladmm";

/**
 * Solves rLogSpecT, which has a solution for every covariance and every δ > 0.
 * @throws UserError for a covariance, δ or α that makes no problem
 */
export async function solveRLogSpecT(
  problem: Problem,
  effort: Effort,
  solver: Solver = "eadmm",
): Promise<Solution> {
  checkProblem(problem);
  const { certified, iterations } = await solve(problem, effort, solver);
  return {
    ...certified,
    iterations,
    degrees: degreesOf(certified.graph),
    outcome: outcomeOf(problem, certified, effort.tolerance),
  };
}

function solve(problem: Problem, effort: Effort, solver: Solver): Promise<Iterated<Certified>> {
  if (solver === "ladmm") return ladmm(problem, effort);
  const model = {
    degreeWeight: 1 / problem.covariance.rows,
    project: projectGraph,
    certify: (graph: Matrix, m: Matrix, v: Float64Array) => certify(problem, graph, m, v),
  };
  return eadmm(problem, model, effort);
}

function outcomeOf(problem: Problem, { gap, dualBound }: Certified, tolerance: number): Outcome {
  if (gap > tolerance) return "unconverged";
  // Without the ball every α-regular graph is optimal, with this value.
  const { covariance, alpha } = problem;
  const unbounded = alpha * covariance.rows * (1 - Math.log(alpha));
  return dualBound > unbounded ? "solved" : "ball inactive";
}
