import { toTensor, type Tensor, type TensorDelta } from "@fedclair/core";
import { item, median, type Matrix } from "@fedclair/linalg";
import type { Factors } from "../../factors.js";
import { zip } from "../lists.js";
import type { ClairOptions } from "../options.js";
import {
  combine,
  inner,
  isFactored,
  normOf,
  scaled,
  weightedSum,
  type Change,
} from "../subspace/change.js";
import { createProjection, type SharedSpace } from "../subspace/space.js";
import { findCommonOutside, type CommonOutside } from "./common-outside.js";

/** Benign clients: who is refined. */
export interface Members {
  /** Indices, at least one. */
  readonly clients: readonly number[];
  readonly ids: readonly string[];
  /** In the mean, summing to 1. */
  readonly weights: ArrayLike<number>;
}

export type RefineOptions = Pick<ClairOptions, "offSubspace" | "clipOff" | "rule">;

/** The changes of one module, refined: client k of C goes on with inside_k + shared + longer_k. */
export interface Refinement {
  /** Π(X_k), in the order of the members; of rank r, one factor (U or Vᵀ) the same object for all. */
  readonly inside: readonly Factors[];
  /** c·M̂, from the mean over C of what lies outside the space; stacked factors if the clients' changes are factored. */
  readonly shared: Change;
  /** c, 0 … 1: how much of that mean is handed out. */
  readonly share: number;
  /** What clients have in common there, and how often each: longer_k is c·(times_k − 1)·part. */
  readonly common: CommonOutside;
}

/** By member, how much of the common part is added to what all get. */
export function computeExtraShares({ share, common }: Refinement): number[] {
  return common.times.map((times) => share * (times - 1));
}

/**
 * Step 7 of one module: averages what benign clients have outside the shared space, where their differences are mostly
 * error, and leaves each its own inside.
 * @param changes of the members
 * @param norms of the changes
 */
export function refineModule(
  changes: readonly Change[],
  norms: readonly number[],
  space: SharedSpace,
  weights: ArrayLike<number>,
  { offSubspace, clipOff, rule }: RefineOptions,
): Refinement {
  const pieces = changes.map(createProjection(space));
  const inside = pieces.map((piece) => piece.inside);
  const whole = pieces.map((piece) => piece.outside);
  const lengths = whole.map(normOf);
  const cuts = clipOff === null ? lengths.map(() => 1) : computeCuts(lengths, clipOff);
  const outside = zip(whole, cuts).map(([change, cut]) => (cut < 1 ? scaled(change, cut) : change));
  const mean = combine(outside, weights);
  // The other rules are the specification's, which gives all the same.
  const common =
    rule === "evidence"
      ? findCommonOutside(whole, lengths, cuts, mean, weights)
      : { part: mean, times: norms.map(() => 1) };
  const leastNorm = rounding * median(norms);
  const times = zip(common.times, cuts).map(([often, cut]) => (often === 1 ? 1 : often * cut));
  const share = computeShare(outside, mean, times, weights, offSubspace, leastNorm);
  return { inside, shared: share === 1 ? mean : scaled(mean, share), share, common };
}

/** Of a change's norm, what its part outside the space has from rounding alone, and more. */
const rounding = 1e-12;

/** By how much each norm is to be multiplied to be at most `clipOff` median norms, 0 … 1. */
export function computeCuts(norms: readonly number[], clipOff: number): number[] {
  const most = clipOff * median(norms);
  return norms.map((norm) => (norm > most ? most / norm : 1));
}

/**
 * c: 1, 0, or with `shrink` the positive-part James–Stein factor max(0, 1 - v/|M̂|²), v the estimated variance of M̂ =
 * |C|/(|C|-1)·Σ w_j²·|O_j - s_j·M̂|².
 * @param times s_j
 * @param leastNorm of M̂: up to it `shrink` shares nothing, whatever rounding makes of the quotient
 */
function computeShare(
  outside: readonly Change[],
  mean: Change,
  times: readonly number[],
  weights: ArrayLike<number>,
  mode: ClairOptions["offSubspace"],
  leastNorm: number,
): number {
  if (mode === "mean") return 1;
  const size = normOf(mean);
  if (mode === "zero" || outside.length === 1 || size <= leastNorm) return 0;
  const energy = size ** 2;
  const variance = outside.reduce((total, change, k) => {
    const often = item(times, k);
    const distance = normOf(change) ** 2 - 2 * often * inner(change, mean) + often ** 2 * energy;
    return total + item(weights, k) ** 2 * distance;
  }, 0);
  const n = outside.length;
  return Math.max(0, 1 - (n * variance) / (n - 1) / energy);
}

/** A refined module as it travels: row by row. A matrix that several changes share stays one tensor. */
export interface Refined {
  /** Π(X_k) by client id: of rank r. Of a vector X_k itself. */
  readonly personal: ReadonlyMap<string, TensorDelta>;
  /** Σ w_k·Π(X_k), of rank r. With `shared` it is the global change. Of a vector the mean of the clipped X_k. */
  readonly meanPersonal: TensorDelta;
  /** c·M̂; absent if nothing is shared. */
  readonly shared?: TensorDelta;
  /** What is added to that by client id, of those who have the common part more or less often than once. */
  readonly extraCommon: ReadonlyMap<string, TensorDelta>;
  /** c */
  readonly share: number;
}

export function toDeltas(
  refinement: Refinement,
  { ids, weights }: Pick<Members, "ids" | "weights">,
  space: SharedSpace,
): Refined {
  const { inside, shared, share, common } = refinement;
  const tensors = new Map<Matrix, Tensor>();
  const tensorOnce = (matrix: Matrix) => {
    const tensor = tensors.get(matrix) ?? toTensor(matrix);
    tensors.set(matrix, tensor);
    return tensor;
  };
  const toDelta = (change: Change) =>
    isFactored(change) ? { b: tensorOnce(change.b), a: tensorOnce(change.a) } : tensorOnce(change);
  return {
    personal: new Map(zip(ids, inside).map(([id, own]) => [id, toDelta(own)])),
    meanPersonal: toDelta(averageInside(inside, weights, space)),
    ...(share > 0 && { shared: toDelta(shared) }),
    extraCommon: new Map(
      zip(ids, computeExtraShares(refinement)).flatMap(([id, more]) =>
        more === 0 ? [] : [[id, toDelta(scaled(common.part, more))] as const],
      ),
    ),
    share,
  };
}

/** The factor that is the space itself is common to all, so that the mean keeps rank r. */
function averageInside(
  inside: readonly Factors[],
  weights: ArrayLike<number>,
  { left }: SharedSpace,
): Factors {
  const { b, a } = item(inside, 0);
  const mean = (side: "b" | "a") =>
    weightedSum(
      inside.map((own) => own[side]),
      weights,
    );
  return left === undefined ? { b: mean("b"), a } : { b, a: mean("a") };
}
