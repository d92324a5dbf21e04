import { agentName } from "../rounds.js";
import { agents, dataRoles, networkName, turnRoles } from "./networks.js";

/** The phase in which clients train the data policies of both agents, before any agent's turn. */
export const dataPhase = "data";

/** Names of the networks that a phase trains. */
export function networksIn(phase: string): string[] {
  return agents.flatMap((agent) => {
    if (phase === dataPhase) return dataRoles.map((role) => networkName(agent, role));
    if (phase === agentName(agent)) return turnRoles.map((role) => networkName(agent, role));
    return [];
  });
}
