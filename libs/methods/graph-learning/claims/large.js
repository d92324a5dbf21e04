// Solves graphs of up to 400 nodes to a gap of 1 %, by L-ADMM beside E-ADMM and, as long as its
// dense steps allow, an interior-point method in the same language.
import { frobenius } from "@fedclair/linalg";
import { computeDelta } from "../dist/src/problem.js";
import { solveRLogSpecT } from "../dist/src/rlogspect.js";
import { prepare, solveInterior } from "./interior.js";
import { drawProblem, drawTruth } from "./problems.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const signals = 10_000;
/** Graphs by the number of nodes: one of 400 takes minutes. */
const graphs = { 40: 5, 60: 5, 100: 2, 200: 1, 400: 1 };
const mostOfInterior = 60;
const limits = { tolerance: 1e-2, maxIterations: 30_000 };

/** @returns {Promise<Run[]>} with `nodes` and `solver` as labels */
export async function measure(_, { seeds = 5, wants = () => true } = {}) {
  const runs = [];
  for (const [nodes, count] of Object.entries(graphs)) {
    if (!wants({ nodes })) continue;
    for (let seed = 1; seed <= Math.min(seeds, count); seed++) {
      const truth = drawTruth(seed, { nodes: Number(nodes) });
      const covariance = await drawProblem(seed, truth, "lowpass", signals);
      const problem = { covariance, delta: computeDelta(0.03, signals), alpha: 1 };
      const add = (solver, { iterations, gap }, start) => {
        const seconds = (performance.now() - start) / 1000;
        runs.push({ seed, labels: { nodes, solver }, measures: { iterations, gap, seconds } });
      };
      for (const solver of ["ladmm", "eadmm"]) {
        const start = performance.now();
        add(solver, await solveRLogSpecT(problem, limits, solver), start);
      }
      if (Number(nodes) > mostOfInterior) continue;
      // It gets the multiplier of the ball, which it would have to find.
      const { multiplier } = await solveRLogSpecT(problem, { ...limits, tolerance: 1e-6 }, "eadmm");
      const prepared = prepare(problem);
      const start = performance.now();
      const solved = solveInterior(prepared, frobenius(multiplier) * problem.delta, limits);
      add("interior", { ...solved, gap: limits.tolerance }, start);
    }
  }
  return runs;
}
