import type { Metrics, Params, Step } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { drawTrueGraph } from "./client.js";
import { computeBestF, computeCorrelations, matchEdges, computeRelativeError } from "./edges.js";
import { computeDegrees } from "./operators.js";
import type { Options } from "./options.js";
import { packStrict } from "./packing.js";
import { computeDelta } from "./problem.js";
import { solveRLogSpecT } from "./rlogspect.js";
import { computeFeasibility, solveRSpecT } from "./rspect.js";
import { toRelativeWeights } from "./vectors.js";

/**
 * With more nodes, rSpecT's feasibility is not reported in addition to rLogSpecT's graph, because
 * it would take longer than the graph.
 */
const feasibilityNodes = 30;

/** The content of a round's `artifacts.learned`. */
export interface Learned {
  /** `solved`, or the reason why the graph is not reliable. */
  readonly outcome: string;
  /**
   * Weights of all pairs relative to the largest, row by row, to four digits; absent without a
   * graph.
   */
  readonly weights?: readonly number[];
}

/**
 * Learns the graph from a pooled covariance and compares it with the true one.
 * @param covariance ‖C‖₂ = 1
 * @param samples n, the total over all pooled clients
 * @returns no `global` without a graph: rSpecT can be infeasible
 */
export async function learnGraph(
  options: Options,
  covariance: Matrix,
  samples: number,
): Promise<Pick<Step, "params" | "artifacts"> & { readonly metrics: Metrics }> {
  const { c0, alpha, tolerance, maxIterations } = options;
  const delta = computeDelta(c0, samples);
  const effort = { tolerance, maxIterations };
  if (options.model === "rlogspect") {
    const solution = await solveRLogSpecT({ covariance, delta, alpha }, effort, options.solver);
    const reportsFeasibility = covariance.rows <= feasibilityNodes;
    const deltaMin = reportsFeasibility
      ? (await computeFeasibility(covariance)).deltaMin
      : undefined;
    return createResult(options, covariance, solution, {
      delta,
      ...formatFeasibility(delta, deltaMin),
    });
  }
  const solution = await solveRSpecT(covariance, delta, effort);
  const metrics = { delta, ...formatFeasibility(delta, solution.feasibility.deltaMin) };
  if (solution.outcome !== "INFEASIBLE")
    return createResult(options, covariance, solution, metrics);
  const learned: Learned = { outcome: solution.outcome };
  return { metrics: { ...metrics, solved: 0 }, artifacts: { learned } };
}

function formatFeasibility(delta: number, deltaMin: number | undefined): Metrics {
  if (deltaMin === undefined) return {};
  return { rspectDeltaMin: deltaMin, rspectFeasible: delta >= deltaMin ? 1 : 0 };
}

function createResult(
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
  const adjacency = drawTrueGraph(options);
  const truth = packStrict(adjacency);
  const learned: Learned = { outcome, weights: toRelativeWeights(weights) };
  return {
    params: createParams(graph),
    metrics: {
      ...matchEdges(weights, truth, options.threshold),
      bestF: computeBestF(weights, truth),
      correlationBestF: computeBestF(computeCorrelations(covariance), truth),
      relativeError: computeRelativeError(graph, adjacency),
      ...metrics,
      objective,
      certifiedGap: gap,
      iterations,
      solved: outcome === "solved" ? 1 : 0,
    },
    artifacts: { learned },
  };
}

/** Creates the params to broadcast: the strict upper triangle of S, row by row, and S·1. */
export function createParams(graph: Matrix): Params {
  const weights = packStrict(graph);
  const degrees = computeDegrees(graph);
  return new Map([
    ["graph", { shape: [weights.length], data: weights }],
    ["degrees", { shape: [degrees.length], data: degrees }],
  ]);
}
