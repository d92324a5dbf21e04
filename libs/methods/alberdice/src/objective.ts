import { item } from "@fedclair/linalg";
import { agentProblem } from "./agent-problem.js";
import { bestResponse, type ResponseOptions } from "./best-response.js";
import type { Dataset } from "./dataset.js";
import type { Policy } from "./policy.js";
import { stateVisits, type PenaltySettings } from "./policy-evaluation.js";

/** The regularised team objective of policies, and its two parts. */
export interface Objective {
  /** The objective J = reward - α·KL. */
  readonly value: number;
  /** Σ d(s, a) r(s, a), the discounted reward per step. */
  readonly reward: number;
  /** KL(d | dᴰ) of the joint visit distribution. */
  readonly kl: number;
}

/**
 * Computes J of the policies in the empirical model. The value does not depend on the agent whose
 * problem is used to compute it.
 */
export function objective(
  data: Dataset,
  policies: readonly Policy[],
  { alpha, gamma }: PenaltySettings,
): Objective {
  const problem = agentProblem(data, 0, policies);
  const { actions, mass } = problem;
  const policy = data.visited.map((state) => policies[0]?.[state] ?? new Float64Array());
  const visits = stateVisits(problem, policy, gamma);
  let reward = 0;
  let kl = 0;
  for (let cell = 0; cell < mass.length; cell++) {
    const row = Math.floor(cell / actions);
    const visit = item(visits, row) * item(item(policy, row), cell % actions);
    if (visit === 0) continue; // 0·ln 0 = 0
    reward += visit * item(problem.reward, cell);
    kl += visit * (Math.log(visit / item(mass, cell)) + item(problem.penalty, cell));
  }
  return { value: reward - alpha * kl, reward, kl };
}

/**
 * Computes the largest increase of J that one agent can reach by changing only its own policy,
 * max_i L_i(ν*) - J ≥ 0. It is 0 at a Nash policy of the regularised game.
 */
export async function nashGap(
  data: Dataset,
  policies: readonly Policy[],
  options: ResponseOptions,
): Promise<number> {
  const { value } = objective(data, policies, options);
  let gap = -Infinity;
  for (const agent of policies.keys()) {
    const best = await bestResponse(data, agent, policies, options);
    gap = Math.max(gap, best.value - value);
  }
  return gap;
}
