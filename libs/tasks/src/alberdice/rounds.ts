import { UserError } from "@fedclair/core";
import { annealed } from "./alternate.js";
import type { Options } from "./options.js";

/** The phase in which clients answer for all agents at once. */
export const allAgents = "all-agents";

/** The name of an agent: of its turn's phase, of its logits in params and in updates. */
export function agentName(agent: number): string {
  return `agent${agent}`;
}

/** The agents that an answer of this phase is for. @throws UserError for a phase of no agent */
export function agentsOf(phase: string, agents: number): number[] {
  const all = Array.from({ length: agents }, (_, agent) => agent);
  const chosen = phase === allAgents ? all : all.filter((agent) => agentName(agent) === phase);
  if (chosen.length === 0) {
    throw new UserError(
      `phase ${phase}: expected ${allAgents} or one of ${all.map(agentName).join(", ")}`,
    );
  }
  return chosen;
}

export function alphasOf({ alphaFirst, alphaLast, sweeps, learner }: Options): number[] {
  const share = learner.name === "network" ? learner.anneal : 1;
  return annealed(alphaFirst, alphaLast, sweeps, share);
}

/** Weight of the KL penalty in a round in which one agent has its turn; beyond the last sweep, that of the last. */
export function alphaOf(round: number, agents: number, options: Options): number {
  const sweep = Math.floor((round - 1) / agents);
  return alphasOf(options)[Math.min(sweep, options.sweeps - 1)] ?? options.alphaLast;
}
