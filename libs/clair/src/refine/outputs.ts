import { toTensor, type Tensor, type TensorDelta } from "@fedclair/core";
import { item, zip, type Matrix } from "@fedclair/linalg";
import { innerProduct, type Factors } from "@fedclair/rules";
import type { SharedSpace } from "../space/projection.js";
import { isFactored, normOf, sumWeighted, type Change } from "../updates/change.js";
import { bestPairs, type RankedPair } from "./pairs.js";
import {
  computeExtraShares,
  type Members,
  type Refined,
  type Refinement,
} from "./common-outside.js";

/** What clients continue with. */
export type Models = "personal" | "global";

/** A refined change as one LoRA pair. */
export interface RefinedPair extends RankedPair {
  /** |X_k − Π(X_k)|², the energy outside the space, which refining replaces. */
  readonly outside: number;
  /**
   * The part of `outside` that must be the client's own error for the refined change to be nearer
   * to the client's truth; see `computeLeastError`.
   */
  readonly leastError: number;
}

/**
 * Converts a refinement to plain tensors.
 * @param models without personal models, only what all clients continue with
 */
export function toDeltas(
  refinement: Refinement,
  { ids, weights }: Pick<Members, "ids" | "weights">,
  space: SharedSpace,
  models: Models,
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
    sumWeighted(
      inside.map((own) => own[side]),
      weights,
    );
  return left === undefined ? { b: mean("b"), a } : { b, a: mean("a") };
}

/**
 * Converts every client's refined change of one module to the best pair of the rank of the client's
 * own pair, with factors of equal weight. The refined change is Π(X_k) + M̂ plus s_k − 1 times
 * the common part.
 * @param changes changes of the same clients, in the same order
 * @param norms norms of the changes
 * @param weights weights of the clients in the mean M̂
 * @throws TypeError if the changes are dense
 */
export function toRefinedPairs(
  refinement: Refinement,
  changes: readonly Change[],
  norms: readonly number[],
  space: SharedSpace,
  weights: ArrayLike<number>,
): RefinedPair[] {
  const { inside, shared } = refinement;
  const { part } = refinement.common;
  const added = computeExtraShares(refinement);
  const factored = changes.filter(isFactored);
  if (!isFactored(shared) || !isFactored(part) || factored.length < changes.length) {
    throw new TypeError("only factored changes can be refined into pairs");
  }
  const ranks = factored.map(({ b }) => b.cols);
  const best = bestPairs(
    zip(inside, added).map(([own, more]) =>
      more === 0 ? [own, shared] : [own, shared, { b: part.b, a: part.a.scale(more) }],
    ),
    ranks,
    listSpans(factored, space),
  );
  const sharedEnergy = normOf(shared) ** 2;
  const partEnergy = added.every((more) => more === 0) ? 0 : normOf(part) ** 2;
  return zip(inside, factored).map(([own, change], k) => {
    const { b, a, tail } = item(best, k);
    const outside = Math.max(0, item(norms, k) ** 2 - normOf(own) ** 2);
    // the shared part lies outside the space, as O_k does
    const overlap = innerProduct(change, shared);
    const more = item(added, k);
    // The common part is the projection of the mean to some directions, so ⟨M̂, part⟩ = |part|².
    const extraEnergy =
      more === 0 ? 0 : more * ((2 + more) * partEnergy - 2 * innerProduct(change, part));
    const moved = Math.max(0, outside - 2 * overlap + sharedEnergy + extraEnergy);
    return {
      pair: { b: toTensor(b), a: toTensor(a) },
      tail,
      outside,
      leastError: computeLeastError(moved, (1 + more) * item(weights, k)),
    };
  });
}

/**
 * Computes the least error outside the space for which refining is a gain. Write X_k = T_k + E_k,
 * where T_k is what the client should have learnt and E_k its own error. Refining replaces O_k =
 * T'_k + E'_k outside the space by s·M̂, which contains w_k·O_k. If the error is independent of
 * everything else, |s·M̂ − T'_k|² has the expectation |O_k − s·M̂|² + |E'_k|² − 2·(1 −
 * s·w_k)·|E'_k|². This is below |E'_k|² if |E'_k|² exceeds the result.
 * @param moved |O_k − s·M̂|²
 * @param ownShare s·w_k
 */
function computeLeastError(moved: number, ownShare: number): number {
  return ownShare < 1 ? moved / (2 * (1 - ownShare)) : 0;
}

/**
 * Lists the factors that clients sent and the space. Together they span everything that refining
 * creates.
 */
function listSpans(factored: readonly Factors[], { left: u, right: v }: SharedSpace) {
  return {
    lefts: [...(u ? [u] : []), ...factored.map(({ b }) => b)],
    rights: [...(v ? [v] : []), ...factored.map(({ a }) => a.transpose())],
  };
}
