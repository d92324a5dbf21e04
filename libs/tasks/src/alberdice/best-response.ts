import { agentProblem, type AgentProblem } from "./agent-problem.js";
import type { Dataset } from "./dataset.js";
import { minimiseDual, type DualOptions, type DualSolution } from "./dual.js";
import { stateValues } from "./policy-evaluation.js";
import { softmax, uniformPolicy, type Policy } from "./policy.js";

/** An agent's best response to the others, with the problem and the dual solution that it comes from. */
export interface BestResponse extends DualSolution {
  readonly problem: AgentProblem;
  readonly policy: Policy;
}

export type ResponseOptions = Omit<DualOptions, "start">;

/**
 * One step of AlberDICE (specification, sections 3 and 4): the policy of `agent` that is best while the others stay. The
 * agent's own policy says only where the search for it starts: with a small α, zeros would be hundreds of steps away.
 */
export async function bestResponse(
  data: Dataset,
  agent: number,
  policies: readonly Policy[],
  options: ResponseOptions,
): Promise<BestResponse> {
  const problem = agentProblem(data, agent, policies);
  const current = data.visited.map((state) => policies[agent]?.[state] ?? new Float64Array());
  const start = stateValues(problem, current, options);
  const solution = await minimiseDual(problem, { ...options, start });
  const policy = [...uniformPolicy(data.shape, agent)];
  data.visited.forEach((state, row) => {
    policy[state] = responseRow(problem, solution, row, options.alpha);
  });
  return { ...solution, problem, policy };
}

/**
 * π(a|s) ∝ dᴰ(s, a) exp(e/α) by logits: in states that the optimum hardly visits, d* itself underflows.
 */
export function responseRow(
  { actions, mass }: AgentProblem,
  { advantage }: DualSolution,
  row: number,
  alpha: number,
): Float64Array {
  return softmax(
    Float64Array.from({ length: actions }, (_, action) => {
      const cell = row * actions + action;
      return Math.log(mass[cell] ?? NaN) + (advantage[cell] ?? NaN) / alpha;
    }),
  );
}
