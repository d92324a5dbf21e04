// Edges found by rLogSpecT and its rivals, and how much they depend on the slack.
import { computeBestF, computeCorrelations, matchEdges } from "../dist/src/edges.js";
import { solveGlasso, toCorrelations, toPartialCorrelations } from "../dist/src/glasso.js";
import { packStrict } from "../dist/src/packing.js";
import { computeDelta } from "../dist/src/problem.js";
import { solveRLogSpecT } from "../dist/src/rlogspect.js";
import { solveRSpecT } from "../dist/src/rspect.js";
import { drawProblem, drawTruth, filters } from "./problems.js";
import { learnSmooth } from "./smooth.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const signals = 10_000;
/** The threshold of the task's metric `f`. */
const threshold = 0.3;
const limits = { tolerance: 1e-4, maxIterations: 2000 };

/** The options of each method; the best mean on graphs that the page does not use is taken. */
const grids = {
  rLogSpecT: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
  rSpecT: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
  "graphical lasso": [0.003, 0.01, 0.05, 0.2],
  "smooth signals": [0.01, 0.03, 0.1, 0.3, 1],
  correlations: [0],
};

/** Computes weights of all pairs. @returns undefined if there is no graph */
const learners = {
  rLogSpecT: async (covariance, c0) => {
    const problem = { covariance, delta: computeDelta(c0, signals), alpha: 1 };
    return packStrict((await solveRLogSpecT(problem, limits)).graph);
  },
  rSpecT: async (covariance, c0) => {
    const { graph } = await solveRSpecT(covariance, computeDelta(c0, signals), limits);
    return graph && packStrict(graph);
  },
  "graphical lasso": async (covariance, lambda) => {
    const { precision } = await solveGlasso(toCorrelations(covariance), lambda, limits);
    return packStrict(toPartialCorrelations(precision)).map(Math.abs);
  },
  "smooth signals": async (covariance, beta) => learnSmooth(covariance, beta),
  correlations: async (covariance) => computeCorrelations(covariance),
};

/**
 * Learns Barabási–Albert graphs of twenty nodes from 10,000 signals.
 * @param {string} _ the folder of the runs
 * @returns {Promise<Run[]>} with `filter`, `method` and `option` as labels; graphs 101 … are for
 * the choice of options. Without a graph both measures are 0.
 */
export async function measure(_, { seeds = 10, wants }) {
  const runs = [];
  const held = Array.from({ length: 3 }, (_, k) => 101 + k);
  const used = Array.from({ length: seeds }, (_, k) => 1 + k);
  for (const seed of [...held, ...used]) {
    const truth = drawTruth(seed);
    const edges = packStrict(truth);
    for (const filter of filters) {
      const covariance = await drawProblem(seed, truth, filter, signals);
      for (const [method, grid] of Object.entries(grids)) {
        for (const option of grid) {
          const labels = { filter, method, option: String(option) };
          if (!wants(labels)) continue;
          const weights = await learners[method](covariance, option);
          const measures = {
            bestF: weights ? computeBestF(weights, edges) : 0,
            f: weights ? matchEdges(weights, edges, threshold).f : 0,
            solved: weights ? 1 : 0,
          };
          runs.push({ seed, labels, measures });
        }
      }
    }
  }
  return runs;
}
