// Times best responses for a growing number of agents, next to the solution for all agents as one.
import { stream } from "@fedclair/linalg";
import { jointProblem } from "../dist/src/agent-problem.js";
import { bestResponse } from "../dist/src/best-response.js";
import { countTransitions } from "../dist/src/dataset.js";
import { minimiseDual } from "../dist/src/dual.js";
import { matrixReward, matrixShape, oneOf } from "../dist/src/matrix-game.js";
import { uniformPolicy } from "../dist/src/policy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const agents = [2, 4, 6, 8, 10, 12, 14];
const samples = 40;
const repeats = 5;
const options = { alpha: 0.1, gamma: 0.99, tolerance: 1e-9 };

/**
 * Solves the games in which one of N agents should play B, from forty draws of the ways to do so.
 * @returns {Promise<Run[]>} with the label `agents`; measures `best`, the least seconds of one
 * agent's turn, `joint`, those of all agents as one, and `cells` of the table of joint actions
 */
export async function measure() {
  const runs = [];
  for (let seed = 1; seed <= 5; seed++) {
    for (const n of agents) {
      const { payoff, data } = oneOf(n);
      const shape = matrixShape(payoff);
      const rng = stream("growth").at(seed, n);
      const transitions = Array.from({ length: samples }, () => {
        const actions = data[rng.int(data.length)];
        return { state: 0, actions, reward: matrixReward(payoff, actions), next: 0 };
      });
      const policies = Array.from({ length: n }, (_, i) => uniformPolicy(shape, i));
      const count = () => countTransitions(transitions, shape, 1e-4);
      const best = await leastSeconds(() => bestResponse(count(), 0, policies, options));
      const joint = await leastSeconds(() => solveTogether(count()));
      const labels = { agents: String(n) };
      runs.push({ seed, labels, measures: { best, joint, cells: count().mass.length } });
    }
  }
  return runs;
}

function solveTogether(data) {
  const problem = jointProblem(data);
  return minimiseDual(problem, { ...options, start: new Float64Array(problem.rows) });
}

/** The least of several times, because other programs only add to it. */
async function leastSeconds(work) {
  const times = [];
  // The first time is that of code that is not compiled yet.
  await work();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const before = performance.now();
    await work();
    times.push((performance.now() - before) / 1000);
  }
  return Math.min(...times);
}
