import { independentProblem, jointProblem } from "./agent-problem.js";
import type { Dataset } from "./dataset.js";
import type { Options } from "./options.js";
import { minimiseDual, type DualOptions } from "./dual.js";
import { responseRow } from "./policy-evaluation.js";
import { conservativeQ, implicitQ } from "./values.js";
import { marginalPolicy, uniformPolicy, type Policy } from "./policy.js";

/** Computes the policies of a method in which no agent responds to the others. */
export async function computeBaseline(
  method: Exclude<Options["method"], "alberdice">,
  data: Dataset,
  options: DualOptions & Pick<Options, "beta" | "conservatism">,
): Promise<Policy[]> {
  switch (method) {
    case "behaviour-cloning":
      return behaviourCloning(data);
    case "icq":
      return implicitQ(data, options.beta, options.gamma);
    case "omar":
      return conservativeQ(data, options.conservatism, options.gamma);
    case "optidice":
      return factorisedOptiDice(data, options);
    case "independent-dice":
      return independentDice(data, options);
  }
}

/**
 * Behaviour cloning: each agent's marginal behaviour in the data, π_iᴰ(a_i|s), without smoothing.
 */
export function behaviourCloning(data: Dataset): Policy[] {
  return data.shape.actions.map((_, agent) => marginalPolicy(data, agent, data.shares));
}

/**
 * OptiDICE with all agents as one, whose optimal joint visit distribution is then cloned agent by
 * agent. This projection covers every mode, so it mixes actions that never occur together.
 */
export async function factorisedOptiDice(data: Dataset, options: DualOptions): Promise<Policy[]> {
  const { visit } = await minimiseDual(jointProblem(data), options);
  return data.shape.actions.map((_, agent) => marginalPolicy(data, agent, visit));
}

/**
 * Independent learning: each agent treats the others as part of the environment, acting as in the
 * data.
 */
export async function independentDice(data: Dataset, options: DualOptions): Promise<Policy[]> {
  const policies: Policy[] = [];
  for (const agent of data.shape.actions.keys()) {
    const problem = independentProblem(data, agent);
    const solution = await minimiseDual(problem, options);
    const policy = [...uniformPolicy(data.shape, agent)];
    data.visited.forEach((state, row) => {
      policy[state] = responseRow(problem, solution.advantage, row, options.alpha);
    });
    policies.push(policy);
  }
  return policies;
}
