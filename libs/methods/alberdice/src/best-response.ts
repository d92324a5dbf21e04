import { agentProblem, type AgentProblem } from "./agent-problem.js";
import type { Dataset } from "./dataset.js";
import { minimiseDual, type DualOptions, type DualSolution } from "./dual.js";
import { responseRow } from "./policy-evaluation.js";
import { uniformPolicy, type Policy } from "./policy.js";
import { warmStart } from "./warm-start.js";

/**
 * An agent's best response to the others, with the problem and the dual solution that it is derived
 * from.
 */
export interface BestResponse extends DualSolution {
  readonly problem: AgentProblem;
  readonly policy: Policy;
}

export type ResponseOptions = Omit<DualOptions, "start">;

/**
 * Runs one step of AlberDICE (README.md): finds the best policy of `agent` while the
 * others are fixed. The agent's own policy only sets the starting point of the search.
 */
export async function bestResponse(
  data: Dataset,
  agent: number,
  policies: readonly Policy[],
  options: ResponseOptions,
): Promise<BestResponse> {
  const problem = agentProblem(data, agent, policies);
  const current = data.visited.map((state) => policies[agent]?.[state] ?? new Float64Array());
  const start = await warmStart(problem, current, options);
  const solution = await minimiseDual(problem, { ...options, start });
  const policy = [...uniformPolicy(data.shape, agent)];
  data.visited.forEach((state, row) => {
    policy[state] = responseRow(problem, solution.advantage, row, options.alpha);
  });
  return { ...solution, problem, policy };
}
