import { toTensor, type Tensor, type TensorDelta } from "@fedclair/core";
import { item, median, type Matrix, zip } from "@fedclair/linalg";
import type { Factors } from "@fedclair/rules";
import type { ClairOptions } from "../options.js";
import {
  combine,
  isFactored,
  rankOf,
  weightedSum,
  type Change,
  type Changes,
} from "../updates/change.js";
import { createProjection, type SharedSpace } from "../space/projection.js";
import { findCommonOutside, type CommonOutside } from "./common-outside.js";

/** The benign clients, whose changes are refined. */
export interface Members {
  /** Indices of the clients, at least one. */
  readonly clients: readonly number[];
  readonly ids: readonly string[];
  /** Weights in the mean, summing to 1. */
  readonly weights: ArrayLike<number>;
}

export type RefineOptions = Pick<ClairOptions, "rule">;

/** The refined changes of one module. Client k of C continues with inside_k + shared + extra_k. */
export interface Refinement {
  /**
   * Π(X_k) of rank r, in the order of the members. One factor, U or Vᵀ, is the same object for all.
   */
  readonly inside: readonly Factors[];
  /**
   * M̂, the mean over C of the parts outside the space; stacked factors if the clients' changes are
   * factored.
   */
  readonly shared: Change;
  /** The common part outside the space with each client's scale; extra_k is (times_k − 1)·part. */
  readonly common: CommonOutside;
}

/** How much of the common part each member gets in addition to the shared part. */
export function computeExtraShares({ common }: Refinement): number[] {
  return common.times.map((times) => times - 1);
}

/**
 * Runs step 7 for one module: averages what benign clients have outside the shared space, where
 * their differences are mostly error, and leaves each client its own part inside. The parts outside
 * are linear in the changes, so only that of the mean is computed.
 * @param changes changes of the members
 */
export function refineModule(
  changes: Changes,
  space: SharedSpace,
  weights: ArrayLike<number>,
  { rule }: RefineOptions,
): Refinement {
  const projection = createProjection(space);
  const inside: Factors[] = [];
  const energies: number[] = [];
  let rank = 0;
  for (let k = 0; k < changes.count; k++) {
    const change = changes.at(k);
    const split = projection.split(change);
    inside.push(split.inside);
    energies.push(split.outsideEnergy);
    rank = Math.max(rank, rankOf(change));
  }
  const cuts = computeCuts(energies.map(Math.sqrt));
  const mean = combine(
    changes,
    cuts.map((cut, k) => cut * item(weights, k)),
  );
  const rest = projection.outside(mean);
  // A dense rest is projected twice. If it is no more than rounding, it would not be orthogonal to
  // what is inside, and the scale of the common part, which divides by its energy, would be huge.
  const shared = isFactored(rest) ? rest : projection.outside(rest);
  const common = () =>
    findCommonOutside(
      { changes, inside, rank: rank + rankOf(shared) - rankOf(mean) },
      energies,
      cuts,
      shared,
      weights,
    );
  // The other rules follow the specification, which gives everyone the same.
  const same = { part: shared, times: inside.map(() => 1) };
  return { inside, shared, common: rule.by === "evidence" ? common() : same };
}

/**
 * A client's part outside the space, and its change of a vector, enter the mean with at most this
 * many median norms. Nothing inside the space can detect a client that is huge outside it.
 */
const maxMedianNorms = 2;

/** Computes the factors, 0 … 1, that limit each norm to `maxMedianNorms` median norms. */
export function computeCuts(norms: readonly number[]): number[] {
  const most = maxMedianNorms * median(norms);
  return norms.map((norm) => (norm > most ? most / norm : 1));
}

/**
 * A refined module as plain tensors, row by row. A matrix that several changes share stays one
 * tensor.
 */
export interface Refined {
  /** Π(X_k) of rank r by client id; for a vector, X_k itself. Empty without personal models. */
  readonly personal: ReadonlyMap<string, TensorDelta>;
  /**
   * Σ w_k·Π(X_k), of rank r, which together with `shared` is the global change. For a vector, the
   * mean of the clipped X_k.
   */
  readonly meanPersonal: TensorDelta;
  /** M̂; absent for a vector. */
  readonly shared?: TensorDelta;
  /** What clients have in common outside the space; absent if nobody gets more or less of it. */
  readonly common?: TensorDelta;
  /** How much of it a client gets in addition to the shared part, by client id; 0 if absent. */
  readonly extraShares: ReadonlyMap<string, number>;
}

/**
 * Converts a refinement to plain tensors.
 * @param models without personal models, only what all clients continue with
 */
export function toDeltas(
  refinement: Refinement,
  { ids, weights }: Pick<Members, "ids" | "weights">,
  space: SharedSpace,
  models: ClairOptions["models"],
): Refined {
  const { inside, shared, common } = refinement;
  if (models === "global") {
    const mean = toGlobalDelta(averageInside(inside, weights, space));
    return {
      personal: new Map(),
      meanPersonal: mean,
      shared: toGlobalDelta(shared),
      extraShares: new Map(),
    };
  }
  const extraShares = new Map(
    zip(ids, computeExtraShares(refinement)).filter(([, share]) => share !== 0),
  );
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
    shared: toDelta(shared),
    ...(extraShares.size > 0 && { common: toDelta(common.part) }),
    extraShares,
  };
}

function toGlobalDelta(change: Change): TensorDelta {
  return isFactored(change) ? { b: toTensor(change.b), a: toTensor(change.a) } : toTensor(change);
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
