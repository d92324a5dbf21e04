import { UserError } from "@fedclair/core";
import type { Answer } from "./aggregator.js";
import { clairRound, type ClairRound } from "./round.js";

/** Run by a worker thread of `aggregator.ts`. */
export default function answer(round: ClairRound): Answer {
  try {
    return clairRound(round);
  } catch (error) {
    if (error instanceof UserError) return { fault: error.message };
    throw error;
  }
}
