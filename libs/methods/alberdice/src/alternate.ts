import { item } from "@fedclair/linalg";
import { marginalMass } from "./agent-problem.js";
import { bestResponse, type BestResponse, type ResponseOptions } from "./best-response.js";
import type { Dataset } from "./dataset.js";
import { normalise, uniformPolicy, type Policy } from "./policy.js";

/** One agent's turn in the alternation. */
export interface Turn {
  readonly sweep: number;
  readonly agent: number;
  readonly alpha: number;
  readonly response: BestResponse;
  /** The policies of all agents after this turn. */
  readonly policies: readonly Policy[];
}

interface AlternateOptions extends Omit<ResponseOptions, "alpha"> {
  /**
   * The alternation stops after a sweep that changes every probability in visited states by less
   * than this. With 0 it never stops early. Default: 1e-9.
   */
  readonly standstill?: number;
}

/**
 * Runs AlberDICE in one place. In every sweep the agents take turns at playing the best response to
 * the others, so later agents respond to the changes of earlier ones. The alternation ends early
 * once no probability moves and the temperature stays the same.
 * @param start the agents' policies before the first turn
 * @param alphas one temperature per sweep, e.g. from `annealed`
 */
export async function* alternate(
  data: Dataset,
  start: readonly Policy[],
  alphas: readonly number[],
  { standstill = 1e-9, ...options }: AlternateOptions,
): AsyncGenerator<Turn> {
  let policies = start;
  for (const [sweep, alpha] of alphas.entries()) {
    const before = policies;
    for (const agent of start.keys()) {
      const response = await bestResponse(data, agent, policies, { ...options, alpha });
      policies = policies.with(agent, response.policy);
      yield { sweep, agent, alpha, response, policies };
    }
    if (alphas[sweep + 1] === alpha && largestChange(data, before, policies) < standstill) return;
  }
}

/**
 * Lists temperatures that fall geometrically.
 * @param first temperature of sweep 0, > 0
 * @param last temperature of the last sweep, > 0
 * @param share share of the sweeps over which the temperature falls, in (0, 1]
 */
export function anneal(first: number, last: number, sweeps: number, share = 1): number[] {
  return Array.from({ length: sweeps }, (_, k) =>
    sweeps === 1 ? first : first * (last / first) ** Math.min(1, k / (share * (sweeps - 1))),
  );
}

/**
 * Creates slightly perturbed versions of the smoothed marginal policies. Without the perturbation,
 * nothing would move at the exact symmetry of two equally good joint actions.
 * @param sigma size of the perturbation of the logits, uniform in ± sigma
 * @param uniform draws from [0, 1): agent by agent, state by state, action by action
 */
export function perturbMarginals(data: Dataset, sigma: number, uniform: () => number): Policy[] {
  return data.shape.actions.map((actions, agent) => {
    const mass = marginalMass(data, agent);
    const own = [...uniformPolicy(data.shape, agent)];
    data.visited.forEach((state, row) => {
      own[state] = normalise(mass.slice(row * actions, (row + 1) * actions));
    });
    return own.map((row) => normalise(row.map((p) => p * Math.exp(sigma * (2 * uniform() - 1)))));
  });
}

function largestChange(
  { visited }: Dataset,
  before: readonly Policy[],
  after: readonly Policy[],
): number {
  let change = 0;
  before.forEach((policy, agent) => {
    for (const state of visited) {
      policy[state]?.forEach((p, action) => {
        change = Math.max(change, Math.abs(p - item(item(item(after, agent), state), action)));
      });
    }
  });
  return change;
}
