// Times L-ADMM beside an interior-point method in the same language, and its iterations up to 400
// nodes.
import { frobenius } from "@fedclair/linalg";
import { computeLinearisationBound, createLadmmStart, runLadmmStep } from "../dist/src/ladmm.js";
import { computeDelta } from "../dist/src/problem.js";
import { solveRLogSpecT } from "../dist/src/rlogspect.js";
import { prepare, solveInterior } from "./interior.js";
import { drawProblem, drawTruth } from "./problems.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const signals = 10_000;
const solved = [10, 20, 40];
const timed = [25, 50, 100, 200, 400];
const limits = { tolerance: 1e-4, maxIterations: 30_000 };

/**
 * Solves problems with few nodes, and times ten iterations of L-ADMM with more.
 * @returns {Promise<Run[]>} with `nodes` and `solver` as labels; `iteration` is L-ADMM with the
 * seconds of one iteration
 */
export async function measure(_, { seeds = 5 }) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const nodes of solved) {
      const add = (solver, measures) =>
        runs.push({ seed, labels: { nodes: String(nodes), solver }, measures });
      const problem = await draw(seed, nodes);
      const start = performance.now();
      const { iterations, objective } = await solveRLogSpecT(problem, limits, "ladmm");
      add("ladmm", { iterations, objective, seconds: since(start) });
      // The interior-point method gets the multiplier of the ball, which it would have to find.
      const exact = { ...limits, tolerance: 1e-7 };
      const { multiplier } = await solveRLogSpecT(problem, exact, "eadmm");
      const prepared = prepare(problem);
      const begin = performance.now();
      const other = solveInterior(prepared, frobenius(multiplier) * problem.delta, limits);
      if (!other.isDone) throw new Error(`interior point: graph ${seed}, ${nodes} nodes: no end`);
      const measures = { iterations: other.iterations, objective: other.objective };
      add("interior", { ...measures, seconds: since(begin) });
    }
    for (const nodes of timed) {
      const problem = await draw(seed, nodes);
      const tau = computeLinearisationBound(problem.covariance);
      let state = createLadmmStart(problem, 1 / (nodes - 1));
      const start = performance.now();
      for (let k = 0; k < 10; k++) state = runLadmmStep(problem, state, 4, tau);
      const labels = { nodes: String(nodes), solver: "iteration" };
      runs.push({ seed, labels, measures: { seconds: since(start) / 10 } });
    }
  }
  return runs;
}

async function draw(seed, nodes) {
  const truth = drawTruth(seed, { nodes });
  // More signals would only change the numbers, not the time of an iteration.
  const count = nodes > 40 ? 500 : signals;
  const covariance = await drawProblem(seed, truth, "lowpass", count);
  return { covariance, delta: computeDelta(0.03, count), alpha: 1 };
}

const since = (start) => (performance.now() - start) / 1000;
