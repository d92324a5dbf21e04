import type { AggregatorPlugin } from "@fedclair/core";
import { Clair } from "./aggregator.js";
import { GroupedClair } from "./grouped.js";
import { clairSchema, type ClairOptions } from "./options.js";

export type { ClairState } from "./aggregator.js";
export { clair, selectModule, type RoundContext, type ClairResult } from "./clair.js";
export { minFurtherGap } from "./detection/threshold.js";
export { expandCondensed, type Condensed } from "./condense.js";
export { judge as judgeMeasures, minBenignClients } from "./evidence/judge.js";
export {
  bankSchema,
  findThresholds,
  parseBank,
  readShippedBank,
  type Bank,
} from "./evidence/bank.js";
export {
  controlKinds,
  controlMeanings,
  type ControlKind,
  type Power,
} from "./evidence/controls.js";
export {
  makeBank,
  type BankOptions,
  type MeasuredRound,
  type MeasuredRun,
} from "./evidence/make-bank.js";
export { meanCosines } from "./evidence/cosines.js";
export { selectClients, type Measures } from "./evidence/measures.js";
export { scoreClients, type Scores } from "./evidence/score.js";
export { computePieces, pieceMeanings, type PieceKind } from "./evidence/pieces.js";
export type { KnownModule } from "./judge-round.js";
export { moduleTangents } from "./module-tangents.js";
export { clairSchema, leastClients, type ClairOptions } from "./options.js";
export { blendToPairs, refine, refineToPairs } from "./refine.js";
export type { Blend } from "./refinement/blends.js";
export {
  bestPair,
  bestPairs,
  type BestPair,
  type RankedPair,
  type RefinedPair,
} from "./refinement/pairs.js";
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
  create: (options: ClairOptions) =>
    options.groupSize === undefined ? new Clair(options) : new GroupedClair(options),
};
