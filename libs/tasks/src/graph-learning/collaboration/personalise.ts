import { Matrix, multiplyTN, sum, at } from "@fedclair/linalg";
import { degreesOf } from "../operators.js";
import { deltaFor, toUnitNorm, type Effort } from "../problem.js";
import { solveRLogSpecT, type Solution, type Solver } from "../rlogspect.js";
import { addScaledTo } from "../vectors.js";

/** How the graph between clients is learned. */
export interface Learning extends Effort {
  readonly c0: number;
  readonly alpha: number;
  readonly solver: Solver;
}

/**
 * The graph between clients whose nodes are the clients and whose signals are the d coordinates of their models: rLogSpecT
 * of C = XᵀX/d, each client's column of X centred over coordinates, ‖C‖₂ ← 1, n = d. The mean over clients must stay in: without it the all-ones
 * vector would be an eigenvector of C, and the graph loses the groups.
 * @param models w_k, d numbers each, d ≥ 3; at least two clients
 */
export function collaborationGraph(
  models: readonly Float64Array[],
  { c0, alpha, solver, ...effort }: Learning,
): Promise<Solution> {
  const inputs = models[0]?.length ?? 0;
  const signals = new Matrix(inputs, models.length);
  models.forEach((model, k) => {
    signals.column(k).set(centred(model));
  });
  const covariance = toUnitNorm(multiplyTN(signals, signals).scale(1 / inputs));
  const problem = { covariance, delta: deltaFor(c0, inputs), alpha };
  return solveRLogSpecT(problem, effort, solver);
}

/** Each client's model mixed with its neighbours': (w_k + Σ_j S_kj·w_j)/(1 + d_k). */
export function personalised(graph: Matrix, models: readonly Float64Array[]): Float64Array[] {
  const degrees = degreesOf(graph);
  return models.map((own, k) => {
    const mixture = own.slice();
    models.forEach((model, j) => {
      addScaledTo(mixture, graph.get(k, j), model);
    });
    return mixture.map((x) => x / (1 + at(degrees, k)));
  });
}

/** Share of the graph's mass that lies within groups. @param groups of the nodes */
export function inGroupMass(graph: Matrix, groups: readonly number[]): number {
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

function centred(x: Float64Array): Float64Array {
  const mean = sum(x) / x.length;
  return x.map((value) => value - mean);
}
