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

/** The benign clients, whose changes are refined. */
export interface Members {
  /** Indices of the clients, at least one. */
  readonly clients: readonly number[];
  readonly ids: readonly string[];
  /** Weights in the mean, summing to 1. */
  readonly weights: ArrayLike<number>;
}

export type RefineOptions = Pick<ClairOptions, "offSubspace" | "clipOff" | "rule">;

/** The refined changes of one module. Client k of C continues with inside_k + shared + extra_k. */
export interface Refinement {
  /**
   * Π(X_k) of rank r, in the order of the members. One factor, U or Vᵀ, is the same object for all.
   */
  readonly inside: readonly Factors[];
  /**
   * c·M̂, from the mean over C of the parts outside the space; stacked factors if the clients'
   * changes are factored.
   */
  readonly shared: Change;
  /** c, the share of that mean that is handed out, 0 … 1. */
  readonly share: number;
  /**
   * The common part outside the space with each client's scale; extra_k is c·(times_k − 1)·part.
   */
  readonly common: CommonOutside;
}

/** How much of the common part each member gets in addition to the shared part. */
export function computeExtraShares({ share, common }: Refinement): number[] {
  return common.times.map((times) => share * (times - 1));
}

/**
 * Runs step 7 for one module: averages what benign clients have outside the shared space, where
 * their differences are mostly error, and leaves each client its own part inside.
 * @param changes changes of the members
 * @param norms norms of the changes
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
  // The other rules follow the specification, which gives everyone the same.
  const common =
    rule === "evidence"
      ? findCommonOutside(whole, lengths, cuts, mean, weights)
      : { part: mean, times: norms.map(() => 1) };
  const leastNorm = rounding * median(norms);
  const times = zip(common.times, cuts).map(([often, cut]) => (often === 1 ? 1 : often * cut));
  const share = computeShare(outside, mean, times, weights, offSubspace, leastNorm);
  return { inside, shared: share === 1 ? mean : scaled(mean, share), share, common };
}

/** Share of a change's norm that bounds the part outside the space caused by rounding. */
const rounding = 1e-12;

/** Computes the factors, 0 … 1, that limit each norm to `clipOff` median norms. */
export function computeCuts(norms: readonly number[], clipOff: number): number[] {
  const most = clipOff * median(norms);
  return norms.map((norm) => (norm > most ? most / norm : 1));
}

/**
 * Computes c: 1, 0, or with `shrink` the positive-part James–Stein factor max(0, 1 - v/|M̂|²),
 * where v is the estimated variance of M̂, |C|/(|C|-1)·Σ w_j²·|O_j - s_j·M̂|².
 * @param times s_j
 * @param leastNorm up to this norm of M̂, `shrink` shares nothing, because the quotient is rounding
 * error
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

/**
 * A refined module as plain tensors, row by row. A matrix that several changes share stays one
 * tensor.
 */
export interface Refined {
  /** Π(X_k) of rank r by client id; for a vector, X_k itself. */
  readonly personal: ReadonlyMap<string, TensorDelta>;
  /**
   * Σ w_k·Π(X_k), of rank r, which together with `shared` is the global change. For a vector, the
   * mean of the clipped X_k.
   */
  readonly meanPersonal: TensorDelta;
  /** c·M̂; absent if nothing is shared. */
  readonly shared?: TensorDelta;
  /**
   * Additions to the shared part by client id, for clients that have the common part at a scale
   * other than 1.
   */
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

/**
 * Averages the parts inside the space. One factor is the space itself and common to all, so the
 * mean has rank r.
 */
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
