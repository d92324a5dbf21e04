import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { GroupedClair } from "./grouped.js";
import { clairSchema, type ClairOptions } from "./options.js";

export type { ClairState } from "./aggregator.js";
export { clair, selectModule, type RoundContext, type ClairResult } from "./clair.js";
export { minFurtherGap } from "./space/threshold.js";
export { expandCondensed, type Condensed } from "./modules/condense.js";
export { judge as judgeMeasures, minBenignClients } from "./judge/evidence.js";
export { bankSchema, findThresholds, parseBank, readShippedBank, type Bank } from "./judge/bank.js";
export { controlKinds, controlMeanings, type ControlKind, type Power } from "./judge/controls.js";
export {
  makeBank,
  type BankOptions,
  type MeasuredRound,
  type MeasuredRun,
} from "./judge/make-bank.js";
export { meanCosines } from "./measures/cosines.js";
export { selectClients, type Measures } from "./measures/measures.js";
export { scoreClients, type Scores } from "./judge/score.js";
export { computePieces, pieceMeanings, type PieceKind } from "./judge/pieces.js";
export type { KnownModule } from "./judge-round.js";
export { moduleTangents } from "./module-tangents.js";
export { clairSchema, leastClients, type ClairOptions } from "./options.js";
export { blendToPairs, refine, refineToPairs } from "./refine.js";
export type { Blend } from "./refine/blends.js";
export {
  bestPair,
  bestPairs,
  type BestPair,
  type RankedPair,
  type RefinedPair,
} from "./refine/pairs.js";
export type { Refined } from "./refine/refine-module.js";
export type { Memory } from "./judge-round.js";
export type { SharedSpace } from "./space/projection.js";
export { condenseInThread, threadsFor } from "./modules/module-pool.js";
export { inSharedMemory } from "./updates/transfer.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: AggregatorPlugin = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) =>
    options.groupSize === undefined ? new Clair(options) : new GroupedClair(options),
};
