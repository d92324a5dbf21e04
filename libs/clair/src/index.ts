import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { GroupedClair } from "./grouped-clair.js";
import { clairSchema, type ClairOptions } from "./options.js";

// To read the method from top to bottom: `clair.ts` runs steps 0 to 6, `judge-round.ts` the search
// and the judges, `refine.ts` step 7, and `aggregator.ts` connects the rounds of a trial.
export { clair, moduleTangents } from "./clair.js";
export { selectModule, type ClairResult, type KnownModule, type Memory } from "./judge-round.js";
export {
  describeRate,
  findThresholds,
  parseBank,
  readShippedBank,
  type Bank,
} from "./judge/bank.js";
export { controlKinds, controlMeanings, type ControlKind, type Power } from "./judge/controls.js";
export { judgeMeasures, minBenignClients } from "./judge/evidence.js";
export { makeBank, usualSizes, type BankOptions, type MeasuredRun } from "./judge/make-bank.js";
export { pieceMeanings, type PieceKind } from "./judge/pieces.js";
export { noHistories } from "./judge/rounds.js";
export { scoreClients } from "./judge/score.js";
export { meanCosines, selectClients, type ClientMeasures } from "./measures/measures.js";
export { expandCondensed, type Condensed } from "./modules/condense.js";
export { condenseInThread, threadsFor } from "./modules/module-pool.js";
export { clairSchema, leastClients, type ClairOptions } from "./options.js";
export { blendToPairs, refine, refineToPairs } from "./refine.js";
export type { Refined } from "./refine/common-outside.js";
export { bestPair, bestPairs, type BestPair, type RankedPair } from "./refine/pairs.js";
export { minFurtherGap } from "./space/detect.js";
export { certifiedMargin } from "./space/margin.js";
export { inSharedMemory } from "./updates/shared-memory.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: AggregatorPlugin = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) =>
    options.groupSize === undefined ? new Clair(options) : new GroupedClair(options),
};
