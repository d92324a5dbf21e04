import { item } from "@fedclair/linalg";
import { bestResponse, type BestResponse, type ResponseOptions } from "./best-response.js";
import type { Dataset } from "./dataset.js";
import { marginalPolicy, normalise, type Policy } from "./policy.js";

/** One agent's turn in the alternation. */
export interface Turn {
  readonly sweep: number;
  readonly agent: number;
  readonly alpha: number;
  readonly response: BestResponse;
  /** Of all agents, this one's already replaced. */
  readonly policies: readonly Policy[];
}

export interface AlternateOptions extends Omit<ResponseOptions, "alpha"> {
  /** A sweep that changes no probability in a visited state by as much is the last one; 0: none is. Default 1e-9. */
  readonly standstill?: number;
}

/**
 * AlberDICE in one place: in every sweep each agent in turn plays its best response to the
 * others, later agents seeing what earlier ones have changed. Ends early if nothing moves any more and the temperature
 * stays.
 * @param start the agents' policies before the first turn
 * @param alphas a temperature a sweep, e.g. `annealed`
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
 * Temperatures falling geometrically.
 * @param first of sweep 0, > 0
 * @param last of the last sweep, > 0
 * @param share of the sweeps over which they fall, in (0, 1]
 */
export function annealed(first: number, last: number, sweeps: number, share = 1): number[] {
  return Array.from({ length: sweeps }, (_, k) =>
    sweeps === 1 ? first : first * (last / first) ** Math.min(1, k / (share * (sweeps - 1))),
  );
}

/**
 * The smoothed marginal policies, a little perturbed: at the exact symmetry of two equally good joint actions nothing would move.
 * @param sigma size of the perturbation of the logits, uniform in ± sigma
 * @param uniform draws from [0, 1): agent by agent, state by state, action by action
 */
export function perturbedStart(data: Dataset, sigma: number, uniform: () => number): Policy[] {
  return data.shape.actions.map((_, agent) =>
    marginalPolicy(data, agent, data.mass).map((row) =>
      normalise(row.map((p) => p * Math.exp(sigma * (2 * uniform() - 1)))),
    ),
  );
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
