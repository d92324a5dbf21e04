import type { Metrics, Params, Step } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { computeBestF, computeCorrelations, matchEdges, computeRelativeError } from "./edges.js";
import { solveGlasso, toCorrelations, toPartialCorrelations } from "./glasso.js";
import { computeDegrees } from "./operators.js";
import type { Options } from "./options.js";
import { packStrict } from "./packing.js";
import { computeDelta } from "./problem.js";
import { solveRLogSpecT } from "./rlogspect.js";
import { computeFeasibility, solveRSpecT } from "./rspect.js";
import { toRelativeWeights } from "./vectors.js";
import type { World } from "./world.js";

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
  /** The names of the nodes, if the data name them. */
  readonly names?: readonly string[];
  /** The true edges of a graph from a file, 0 or 1 for each pair. */
  readonly truth?: readonly number[];
}

/**
 * Learns the graph from a pooled covariance and compares it with the true one, if it is known.
 * @param covariance ‖C‖₂ = 1
 * @param samples n, the total over all pooled clients
 * @returns no `global` without a graph: rSpecT can be infeasible
 */
export async function learnGraph(
  options: Options,
  world: World,
  covariance: Matrix,
  samples: number,
): Promise<Pick<Step, "params" | "artifacts"> & { readonly metrics: Metrics }> {
  const { c0, alpha, tolerance, maxIterations } = options;
  const delta = computeDelta(c0, samples);
  const effort = { tolerance, maxIterations };
  if (options.model === "glasso") {
    const solution = await solveGlasso(toCorrelations(covariance), options.lambda, effort);
    const outcome = solution.gap <= tolerance ? "solved" : "unconverged";
    const graph = toPartialCorrelations(solution.precision);
    return createResult(options, world, covariance, { ...solution, graph, outcome }, {});
  }
  if (options.model === "rlogspect") {
    const solution = await solveRLogSpecT({ covariance, delta, alpha }, effort, options.solver);
    const reportsFeasibility = covariance.rows <= feasibilityNodes;
    const deltaMin = reportsFeasibility
      ? (await computeFeasibility(covariance)).deltaMin
      : undefined;
    return createResult(options, world, covariance, solution, {
      delta,
      ...formatFeasibility(delta, deltaMin),
    });
  }
  const solution = await solveRSpecT(covariance, delta, effort);
  const metrics = { delta, ...formatFeasibility(delta, solution.feasibility.deltaMin) };
  if (solution.outcome !== "INFEASIBLE")
    return createResult(options, world, covariance, solution, metrics);
  const learned: Learned = { outcome: solution.outcome };
  return { metrics: { ...metrics, solved: 0 }, artifacts: { learned } };
}

function formatFeasibility(delta: number, deltaMin: number | undefined): Metrics {
  if (deltaMin === undefined) return {};
  return { rspectDeltaMin: deltaMin, rspectFeasible: delta >= deltaMin ? 1 : 0 };
}

function createResult(
  options: Options,
  { truth, names }: World,
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
  const learned: Learned = {
    outcome,
    weights: toRelativeWeights(weights),
    ...(names && { names }),
    ...(names && truth && { truth: [...packStrict(truth)] }),
  };
  return {
    params: createParams(graph),
    metrics: {
      ...(truth && compareGraphs(options, covariance, graph, truth)),
      ...metrics,
      objective,
      certifiedGap: gap,
      iterations,
      solved: outcome === "solved" ? 1 : 0,
    },
    artifacts: { learned },
  };
}

function compareGraphs(
  { threshold }: Options,
  covariance: Matrix,
  graph: Matrix,
  adjacency: Matrix,
): Metrics {
  const weights = packStrict(graph);
  const truth = packStrict(adjacency);
  return {
    ...matchEdges(weights, truth, threshold),
    bestF: computeBestF(weights, truth),
    correlationBestF: computeBestF(computeCorrelations(covariance), truth),
    relativeError: computeRelativeError(graph, adjacency),
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
