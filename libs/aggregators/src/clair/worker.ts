import { UserError } from "@fedclair/core";
import type { Answer } from "./aggregator.js";
import { clairRound, type ClairRound } from "./round.js";

/** Run by a worker thread of `aggregator.ts`. */
export default async function answer(round: ClairRound): Promise<Answer> {
  try {
    return await clairRound(round);
  } catch (error) {
    if (error instanceof UserError) return { fault: error.message };
    throw error;
  }
}
