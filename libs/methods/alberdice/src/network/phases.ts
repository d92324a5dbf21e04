import { agentName } from "../rounds.js";
import { agentsIn, dataRoles, networkName, turnRoles, type Game } from "./networks.js";

/** The phase in which clients train the data policies of all agents, before any agent's turn. */
export const dataPhase = "data";

/** Names the networks that a phase trains. */
export function networksIn(phase: string, game: Game): string[] {
  return agentsIn(game).flatMap((agent) => {
    if (phase === dataPhase) return dataRoles.map((role) => networkName(agent, role));
    if (phase === agentName(agent)) return turnRoles.map((role) => networkName(agent, role));
    return [];
  });
}
