import type { Matrix } from "@fedclair/linalg";
import { certify, type CertifiedGraph } from "./certificate.js";
import { eadmm, type SolverResult } from "./eadmm.js";
import { ladmm } from "./ladmm.js";
import { computeDegrees, projectGraph } from "./operators.js";
import { checkProblem, type SolverLimits, type Problem } from "./problem.js";

/** A learned graph with its certificate and outcome. */
export interface Solution extends CertifiedGraph {
  readonly iterations: number;
  readonly degrees: Float64Array;
  readonly outcome: SolverOutcome;
}

/**
 * The outcome of a solver.
 * - `solved`: proven to be within the tolerance of the optimum.
 * - `unconverged`: feasible, but the certificate stayed above the tolerance.
 * - `ball inactive`: within the tolerance of the optimum without the ball of comm(C, S). Any
 *   regular graph would do, and C has no influence: δ is too large.
 */
type SolverOutcome = "solved" | "unconverged" | "ball inactive";

export type Solver = "eadmm" | "ladmm";

/**
 * Solves rLogSpecT, which has a solution for every covariance and every δ > 0.
 * @throws UserError for an invalid covariance, δ or α
 */
export async function solveRLogSpecT(
  problem: Problem,
  effort: SolverLimits,
  solver: Solver = "eadmm",
): Promise<Solution> {
  checkProblem(problem);
  const { certified, iterations } = await solve(problem, effort, solver);
  return {
    ...certified,
    iterations,
    degrees: computeDegrees(certified.graph),
    outcome: findOutcome(problem, certified, effort.tolerance),
  };
}

function solve(
  problem: Problem,
  effort: SolverLimits,
  solver: Solver,
): Promise<SolverResult<CertifiedGraph>> {
  if (solver === "ladmm") return ladmm(problem, effort);
  const model = {
    degreeWeight: 1 / problem.covariance.rows,
    project: projectGraph,
    certify: (graph: Matrix, m: Matrix, v: Float64Array) => certify(problem, graph, m, v),
  };
  return eadmm(problem, model, effort);
}

function findOutcome(
  problem: Problem,
  { gap, dualBound }: CertifiedGraph,
  tolerance: number,
): SolverOutcome {
  if (gap > tolerance) return "unconverged";
  // Without the ball every α-regular graph is optimal, with this value.
  const { covariance, alpha } = problem;
  const unbounded = alpha * covariance.rows * (1 - Math.log(alpha));
  return dualBound > unbounded ? "solved" : "ball inactive";
}
