// Measures best responses for a growing number of agents, next to the table of all joint actions.
import { serialize } from "node:v8";
import { stream, sum } from "@fedclair/linalg";
import { agentProblem, jointProblem } from "../dist/src/agent-problem.js";
import { alternate, anneal, perturbMarginals } from "../dist/src/alternate.js";
import { bestResponse } from "../dist/src/best-response.js";
import { countTransitions } from "../dist/src/dataset.js";
import { minimiseDual } from "../dist/src/dual.js";
import { uniformPolicy } from "../dist/src/policy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const agents = [2, 4, 6, 8, 10, 12, 14, 20, 40];
/** The largest table of joint actions that is built: the next one has a million. */
const mostTogether = 14;
const samples = 40;
const repeats = 5;
const options = { gamma: 0.99, tolerance: 1e-9 };
/** For times, and the last α of returns. */
const [timed, last] = [0.1, 0.01];
/** As in the sweep of matrix games. */
const sweeps = 40;

/**
 * Solves the games in which one of N agents should play B, from forty draws of the ways to do so.
 * @returns {Promise<Run[]>} with the labels `agents` and `solver`: `best` for one agent's turn, and
 * `joint` for all agents as one. Measures are `seconds`, the least of some times, and `bytes` of
 * the model and the problem; up to ten agents also `return`
 */
export async function measure(_, { seeds = 5, wants = () => true } = {}) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const n of agents) {
      for (const solver of n > mostTogether ? ["best"] : ["best", "joint"]) {
        const labels = { agents: String(n), solver };
        if (!wants(labels)) continue;
        const measures = await solvers[solver](n, stream("growth").at(seed, n));
        runs.push({ seed, labels, measures });
      }
    }
  }
  return runs;
}

const solvers = {
  best: async (n, rng) => {
    const count = drawData(n, rng);
    const data = count();
    const even = data.shape.actions.map((_, i) => uniformPolicy(data.shape, i));
    const { recorded, unrecorded } = data;
    return {
      seconds: await leastSeconds(() =>
        bestResponse(count(), 0, even, { ...options, alpha: timed }),
      ),
      bytes: serialize([recorded, unrecorded, agentProblem(data, 0, even)]).length,
      ...(n <= 10 && { return: await returnOfTurns(data, rng.at("start")) }),
    };
  },
  joint: async (n, rng) => {
    const count = drawData(n, rng);
    const solve = (alpha) => {
      const problem = jointProblem(count());
      const start = new Float64Array(problem.rows);
      return minimiseDual(problem, { ...options, alpha, start });
    };
    const { shares, mass, reward, successors } = count();
    const { visit } = await solve(last);
    return {
      seconds: await leastSeconds(() => solve(timed)),
      bytes: serialize([shares, mass, reward, successors, jointProblem(count())]).length,
      ...(n <= 10 && {
        return: sum(visit.map((share, joint) => share * payoff(playersOf(joint)))),
      }),
    };
  },
};

/** What the game pays if a number of agents play B. */
const payoff = (players) => (players <= 1 ? players : -players);

const playersOf = (joint) => [...joint.toString(2)].filter((digit) => digit === "1").length;

/** Draws the data, and returns a function that counts them. */
function drawData(n, rng) {
  const shape = { states: 1, actions: Array.from({ length: n }, () => 2) };
  const draws = rng.at("data");
  const transitions = Array.from({ length: samples }, () => {
    const player = draws.int(n);
    const actions = shape.actions.map((_, i) => (i === player ? 1 : 0));
    return { state: 0, actions, reward: payoff(1), next: 0 };
  });
  return () => countTransitions(transitions, shape, 1e-4);
}

/** The return of the policies at the end of the alternation, as the task runs it. */
async function returnOfTurns(data, rng) {
  let policies = perturbMarginals(data, 0.05, () => rng.uniform());
  for await (const turn of alternate(data, policies, anneal(5, last, sweeps), options))
    ({ policies } = turn);
  // The probability of each number of agents that play B.
  let players = [1];
  for (const policy of policies) {
    const [a, b] = policy[0];
    players = [...players, 0].map((share, k) => share * a + (players[k - 1] ?? 0) * b);
  }
  return sum(players.map((share, k) => share * payoff(k)));
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
