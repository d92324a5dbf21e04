import { UserError } from "@fedclair/core";
import { anneal } from "./alternate.js";
import type { Options } from "./options.js";

/** The phase in which clients answer for all agents at once. */
export const allAgents = "all-agents";

/**
 * Returns an agent's name, which is also the name of its phase and of its logits in params and
 * updates.
 */
export function agentName(agent: number): string {
  return `agent${agent}`;
}

/**
 * Lists the agents for which clients answer in a phase.
 * @throws UserError if the phase is of no agent
 */
export function listAgents(phase: string, agents: number): number[] {
  const all = Array.from({ length: agents }, (_, agent) => agent);
  const chosen = phase === allAgents ? all : all.filter((agent) => agentName(agent) === phase);
  if (chosen.length === 0) {
    throw new UserError(
      `phase ${phase}: expected ${allAgents} or one of ${all.map(agentName).join(", ")}`,
    );
  }
  return chosen;
}

export function listAlphas({ alphaFirst, alphaLast, sweeps, learner }: Options): number[] {
  const share = learner.name === "network" ? learner.anneal : 1;
  return anneal(alphaFirst, alphaLast, sweeps, share);
}

/**
 * Returns the weight of the KL penalty in a round in which one agent has its turn. Rounds after the
 * last sweep use the last sweep's weight.
 */
export function alphaOf(round: number, agents: number, options: Options): number {
  const sweep = Math.floor((round - 1) / agents);
  return listAlphas(options)[Math.min(sweep, options.sweeps - 1)] ?? options.alphaLast;
}
