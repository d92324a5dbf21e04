import type { Aggregator, Plugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { clairSchema, type ClairOptions } from "./options.js";

export { clair, type ClairResult } from "./clair.js";
export { compressLowRank } from "./compress.js";
export { outlierPursuit, type Decomposition } from "./convex.js";
export { moduleTangents } from "./evidence.js";
export type { Memory, SharedSpace } from "./locate.js";
export { clairSchema, type ClairOptions } from "./options.js";
export { refine, type Refined } from "./refine.js";
export { clairRound, type ClairJudgement, type ClairRound } from "./round.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: Plugin<Aggregator> = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) => new Clair(options),
};
