import { UserError } from "@fedclair/core";
import { move, transferableSymbol, valueSymbol } from "piscina";
import type { Answer } from "./aggregator.js";
import { clairRound, type ClairRound } from "./round.js";
import { transferable } from "./shared-memory.js";

/** Run by a worker thread of `aggregator.ts`. The answer's memory goes with it: copying it would hold up the coordinator. */
export default async function answer(round: ClairRound): Promise<unknown> {
  try {
    const judgement = await clairRound(round);
    const { change, personal } = judgement.aggregate;
    const terms = [...change, ...[...(personal?.values() ?? [])].flat()];
    const updates = terms.flatMap((modules) => [...modules.values()]);
    return move({ [valueSymbol]: judgement, [transferableSymbol]: transferable(updates) });
  } catch (error) {
    if (error instanceof UserError) return { fault: error.message } satisfies Answer;
    throw error;
  }
}
