import type { Metrics, Params, Step } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { trueGraph } from "./client.js";
import { bestF, correlations, edgeMatch, relativeError } from "./edges.js";
import { degreesOf } from "./operators.js";
import type { Options } from "./options.js";
import { packStrict } from "./packing.js";
import { deltaFor } from "./problem.js";
import { solveRLogSpecT } from "./rlogspect.js";
import { rSpecTFeasibility, solveRSpecT } from "./rspect.js";
import { shownWeights } from "./vectors.js";

/** Beyond so many nodes rSpecT's feasibility is not told beside rLogSpecT's graph: it would take longer than that. */
const feasibilityNodes = 30;

/** What `artifacts.learned` of a round holds. */
export interface Learned {
  /** `solved`, or why the graph is not to be trusted. */
  readonly outcome: string;
  /** Weights of all pairs over the largest, row by row, to four digits; absent without a graph. */
  readonly weights?: readonly number[];
}

/**
 * Learns the graph from a pooled covariance and measures it against the true one.
 * @param covariance ‖C‖₂ = 1
 * @param samples n, of all clients that are in it
 * @returns no `global` where there is no graph: rSpecT can be infeasible
 */
export async function learnGraph(
  options: Options,
  covariance: Matrix,
  samples: number,
): Promise<Pick<Step, "params" | "artifacts"> & { readonly metrics: Metrics }> {
  const { c0, alpha, tolerance, maxIterations } = options;
  const delta = deltaFor(c0, samples);
  const effort = { tolerance, maxIterations };
  if (options.model === "rlogspect") {
    const solution = await solveRLogSpecT({ covariance, delta, alpha }, effort, options.solver);
    const told = covariance.rows <= feasibilityNodes;
    const deltaMin = told ? (await rSpecTFeasibility(covariance)).deltaMin : undefined;
    return result(options, covariance, solution, { delta, ...feasibility(delta, deltaMin) });
  }
  const solution = await solveRSpecT(covariance, delta, effort);
  const metrics = { delta, ...feasibility(delta, solution.feasibility.deltaMin) };
  if (solution.outcome !== "INFEASIBLE") return result(options, covariance, solution, metrics);
  const learned: Learned = { outcome: solution.outcome };
  return { metrics: { ...metrics, solved: 0 }, artifacts: { learned } };
}

function feasibility(delta: number, deltaMin: number | undefined): Metrics {
  if (deltaMin === undefined) return {};
  return { rspectDeltaMin: deltaMin, rspectFeasible: delta >= deltaMin ? 1 : 0 };
}

function result(
  options: Options,
  covariance: Matrix,
  solution: Pick<Learned, "outcome"> & {
    readonly graph: Matrix;
    readonly objective: number;
    readonly gap: number;
    readonly iterations: number;
  },
  metrics: Metrics,
) {
  const { graph, outcome, objective, gap, iterations } = solution;
  const weights = packStrict(graph);
  const adjacency = trueGraph(options);
  const truth = packStrict(adjacency);
  const learned: Learned = { outcome, weights: shownWeights(weights) };
  return {
    params: paramsOf(graph),
    metrics: {
      ...edgeMatch(weights, truth, options.threshold),
      bestF: bestF(weights, truth),
      correlationBestF: bestF(correlations(covariance), truth),
      relativeError: relativeError(graph, adjacency),
      ...metrics,
      ...{ objective, certifiedGap: gap, iterations, solved: outcome === "solved" ? 1 : 0 },
    },
    artifacts: { learned },
  };
}

/** What is broadcast: the strict upper triangle of S, row by row, and S·1. */
export function paramsOf(graph: Matrix): Params {
  const weights = packStrict(graph);
  const degrees = degreesOf(graph);
  return new Map([
    ["graph", { shape: [weights.length], data: weights }],
    ["degrees", { shape: [degrees.length], data: degrees }],
  ]);
}
