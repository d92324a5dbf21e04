import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { clairSchema, type ClairOptions } from "./options.js";

export { clair, type Circumstances, type ClairResult } from "./clair.js";
export { compressLowRank } from "./compress.js";
export { outlierPursuit, type Decomposition } from "./convex.js";
export { moduleTangents } from "./evidence.js";
export type { Memory } from "./locate.js";
export { clairSchema, type ClairOptions } from "./options.js";
export { refine, refineToPairs } from "./refine.js";
export type { Refined } from "./refine-module.js";
export type { RefinedPair } from "./refine-pairs.js";
export { clairRound, type ClairJudgement, type ClairRound } from "./round.js";
export type { SharedSpace } from "./space.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: AggregatorPlugin = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) => new Clair(options),
};
export { screened } from "./screens.js";
export { inThreads } from "./threads.js";
