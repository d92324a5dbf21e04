import { item, at, atInt } from "@fedclair/linalg";
import type { AgentProblem } from "./agent-problem.js";
import { softmax, type Policy } from "./policy.js";
import { solveDominant } from "./solve.js";

/** Weight of the KL penalty, > 0, and discount factor, in (0, 1). */
export interface PenaltySettings {
  readonly alpha: number;
  readonly gamma: number;
}

/**
 * Computes the discounted visits of each row under the agent's policy: d = (1-γ) p₀ + γ Pᵀd.
 * @param policy by row
 */
export function stateVisits(problem: AgentProblem, policy: Policy, gamma: number): Float64Array {
  const { rows, initial } = problem;
  const system = minusFlow(problem, policy, gamma, (from, to) => to * rows + from);
  return solveDominant(
    system,
    initial.map((p) => (1 - gamma) * p),
  );
}

/**
 * Computes the regularised value of each row under the agent's policy: ν = Σ_a π (r - α·k - α ln
 * d/d_iᴰ) + γ P ν. For the best response this is the minimiser of the dual, so a policy close to it
 * gives a good starting point.
 * @param policy by row
 */
export function stateValues(
  problem: AgentProblem,
  policy: Policy,
  { alpha, gamma }: PenaltySettings,
): Float64Array {
  const { rows, actions, mass, reward, penalty } = problem;
  const visits = stateVisits(problem, policy, gamma);
  const mean = new Float64Array(rows);
  for (let cell = 0; cell < mass.length; cell++) {
    const row = Math.floor(cell / actions);
    const p = at(item(policy, row), cell % actions);
    if (p === 0) continue; // 0·ln 0 = 0
    // In logarithms, because the product with a very small probability would underflow.
    const ratio = Math.log(at(visits, row)) + Math.log(p) - Math.log(at(mass, cell));
    const gain = at(reward, cell) - alpha * (at(penalty, cell) + ratio);
    mean[row] = at(mean, row) + p * gain;
  }
  return solveDominant(
    minusFlow(problem, policy, gamma, (from, to) => from * rows + to),
    mean,
  );
}

/**
 * Builds 1 - γP of the policy, or its transpose.
 * @param entryAt index at which the transition between two rows is stored
 */
function minusFlow(
  { rows, actions, start, to, probability }: AgentProblem,
  policy: Policy,
  gamma: number,
  entryAt: (from: number, to: number) => number,
): Float64Array {
  const system = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) system[i * (rows + 1)] = 1;
  for (let cell = 0; cell < rows * actions; cell++) {
    const from = Math.floor(cell / actions);
    const share = gamma * at(item(policy, from), cell % actions);
    for (let k = start[cell] ?? 0; k < (start[cell + 1] ?? 0); k++) {
      const entry = entryAt(from, atInt(to, k));
      system[entry] = at(system, entry) - share * at(probability, k);
    }
  }
  return system;
}

/**
 * Computes π(a|s) ∝ dᴰ(s, a) exp(e/α) from logits. The optimal d* itself underflows in states that
 * it rarely visits.
 */
export function responseRow(
  { actions, mass }: AgentProblem,
  advantage: Float64Array,
  row: number,
  alpha: number,
): Float64Array {
  return softmax(
    Float64Array.from({ length: actions }, (_, action) => {
      const cell = row * actions + action;
      return Math.log(at(mass, cell)) + at(advantage, cell) / alpha;
    }),
  );
}
