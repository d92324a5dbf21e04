import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { GroupedClair } from "./grouped.js";
import { clairSchema, type ClairOptions } from "./options.js";

export type { ClairState } from "./aggregator.js";
export { clair, moduleTangents } from "./clair.js";
export {
  selectModule,
  type ClairResult,
  type EvidenceFindings,
  type KnownModule,
  type Memory,
  type RoundContext,
} from "./judge-round.js";
export { bankSchema, findThresholds, parseBank, readShippedBank, type Bank } from "./judge/bank.js";
export { controlKinds, controlMeanings, type ControlKind, type Power } from "./judge/controls.js";
export { judge as judgeMeasures, minBenignClients } from "./judge/evidence.js";
export {
  makeBank,
  type BankOptions,
  type MeasuredRound,
  type MeasuredRun,
} from "./judge/make-bank.js";
export { computePieces, pieceMeanings, type PieceKind } from "./judge/pieces.js";
export { scoreClients, type Scores } from "./judge/score.js";
export { meanCosines, selectClients, type Measures } from "./measures/measures.js";
export { expandCondensed, type Condensed } from "./modules/condense.js";
export { condenseInThread, threadsFor } from "./modules/module-pool.js";
export { clairSchema, leastClients, type ClairOptions } from "./options.js";
export { blendToPairs, refine, refineToPairs } from "./refine.js";
export type { Refined } from "./refine/parts.js";
export type { RefinedPair } from "./refine/outputs.js";
export { bestPair, bestPairs, type BestPair, type Blend, type RankedPair } from "./refine/pairs.js";
export { minFurtherGap } from "./space/detect.js";
export type { SharedSpace } from "./space/projection.js";
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
