// Times L-ADMM, E-ADMM and a generic conic solver on the same problems of rLogSpecT.
import { stream } from "@fedclair/linalg";
import { drawGraph } from "../dist/src/graphs.js";
import { computeDelta, toUnitNorm } from "../dist/src/problem.js";
import { solveRLogSpecT } from "../dist/src/rlogspect.js";
import { computeFilter, drawCovariance } from "../dist/src/signals.js";
import { startPeer } from "../../../../studies/papers/peers.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const packages = ["clarabel==0.11.1", "scipy==1.17.1", "numpy==2.4.6"];
const sizes = [10, 20, 40];
const graphs = [1, 2, 3, 4, 5];
const signals = 10_000;
const limits = { tolerance: 1e-4, maxIterations: 30_000 };

/**
 * Solves one problem per graph and size with each solver, on this machine.
 * @returns {Promise<Run[]>} with `nodes` and `solver` as labels
 * @throws Fault without Python or its packages
 */
export async function measure() {
  const conic = await startPeer(import.meta.dirname, "conic.py", packages);
  const runs = [];
  for (const nodes of sizes) {
    for (const seed of graphs) {
      const problem = await drawProblem(nodes, seed);
      for (const solver of ["ladmm", "eadmm"]) {
        const start = performance.now();
        const { iterations, objective, gap } = await solveRLogSpecT(problem, limits, solver);
        const seconds = (performance.now() - start) / 1000;
        runs.push(runOf({ nodes, solver, seed }, { iterations, objective, seconds, gap }));
      }
      const { covariance, delta } = problem;
      const question = { nodes, covariance: [...covariance.data], delta };
      const { solved, ...measures } = await conic.ask(question);
      if (!solved) throw new Error(`Clarabel did not solve graph ${seed} of ${nodes} nodes`);
      runs.push(runOf({ nodes, solver: "clarabel", seed }, measures));
    }
  }
  await conic.close();
  return runs;
}

async function drawProblem(nodes, seed) {
  const rng = stream(seed).at("solvers", nodes);
  const graph = drawGraph({ model: "barabasi-albert", attachments: 2 }, nodes, rng.at("graph"));
  const filter = computeFilter(graph, "lowpass");
  const covariance = toUnitNorm(await drawCovariance(filter, signals, rng.at("signals")));
  return { covariance, delta: computeDelta(0.03, signals), alpha: 1 };
}

function runOf({ seed, ...labels }, measures) {
  return { seed, labels, measures };
}
