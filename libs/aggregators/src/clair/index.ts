import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { clairSchema, type ClairOptions } from "./options.js";

export type { ClairState } from "./aggregator.js";
export { clair, type RoundContext, type ClairResult } from "./clair.js";
export { expandCondensed, type Condensed } from "./condense.js";
export { meanCosines } from "./evidence/pieces.js";
export {
  formatPValue,
  formatEvidence,
  isFarOutside,
  varyingSuffix,
} from "./evidence/format-evidence.js";
export { moduleTangents } from "./module-tangents.js";
export { clairSchema, leastClients, type ClairOptions } from "./options.js";
export { refine, refineToPairs } from "./refine.js";
export { bestPair, bestPairs, type BestPair, type RefinedPair } from "./refinement/pairs.js";
export type { Refined } from "./refinement/refine-module.js";
export type { Memory } from "./judge-round.js";
export type { SharedSpace } from "./subspace/space.js";
export { condenseInThread, threadsFor } from "./threads/module-pool.js";
export { inSharedMemory } from "./threads/transfer.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: AggregatorPlugin = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) => new Clair(options),
};
