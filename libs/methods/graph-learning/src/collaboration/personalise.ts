import { Matrix, multiplyTN, sum, at } from "@fedclair/linalg";
import { computeDegrees } from "../operators.js";
import { computeDelta, toUnitNorm, type SolverLimits } from "../problem.js";
import { solveRLogSpecT, type Solution, type Solver } from "../rlogspect.js";
import { addScaledTo } from "../vectors.js";

/** Settings for learning the graph between clients. */
interface GraphLearningSettings extends SolverLimits {
  readonly c0: number;
  readonly alpha: number;
  readonly solver: Solver;
}

/**
 * Learns the graph between clients, with clients as nodes and the d coordinates of their models as
 * signals. It is rLogSpecT of C = XᵀX/d with ‖C‖₂ scaled to 1 and n = d. Each client's column of X
 * is centred over coordinates. The mean over clients must not be removed: otherwise the all-ones
 * vector would be an eigenvector of C, and the graph would lose the groups.
 * @param models w_k, d numbers each, d ≥ 3; at least two clients
 */
export function learnCollaborationGraph(
  models: readonly Float64Array[],
  { c0, alpha, solver, ...effort }: GraphLearningSettings,
): Promise<Solution> {
  const inputs = models[0]?.length ?? 0;
  const signals = new Matrix(inputs, models.length);
  models.forEach((model, k) => {
    signals.column(k).set(centre(model));
  });
  const covariance = toUnitNorm(multiplyTN(signals, signals).scale(1 / inputs));
  const problem = { covariance, delta: computeDelta(c0, inputs), alpha };
  return solveRLogSpecT(problem, effort, solver);
}

/** Mixes each client's model with its neighbours': (w_k + Σ_j S_kj·w_j)/(1 + d_k). */
export function mixModels(graph: Matrix, models: readonly Float64Array[]): Float64Array[] {
  const degrees = computeDegrees(graph);
  return models.map((own, k) => {
    const mixture = own.slice();
    models.forEach((model, j) => {
      addScaledTo(mixture, graph.get(k, j), model);
    });
    return mixture.map((x) => x / (1 + at(degrees, k)));
  });
}

/**
 * Computes the share of the graph's mass that lies within groups.
 * @param groups of the nodes
 */
export function computeInGroupMass(graph: Matrix, groups: readonly number[]): number {
  let inside = 0;
  let all = 0;
  groups.forEach((group, i) => {
    groups.forEach((other, j) => {
      const weight = graph.get(i, j);
      all += weight;
      if (group === other) inside += weight;
    });
  });
  return inside / all;
}

function centre(x: Float64Array): Float64Array {
  const mean = sum(x) / x.length;
  return x.map((value) => value - mean);
}
