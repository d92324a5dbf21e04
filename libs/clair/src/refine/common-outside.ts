import type { TensorDelta } from "@fedclair/core";
import {
  dot,
  frobenius,
  item,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  stream,
  sum,
  thinQr,
} from "@fedclair/linalg";
import type { Factors } from "@fedclair/rules";
import {
  largeCommonPart,
  fitCommonScale,
  innerOfChanges,
  isFactored,
  type Change,
  type ChangeList,
} from "../updates/change.js";

/** The benign clients, whose changes are refined. */
export interface Members {
  /** Indices of the clients, at least one. */
  readonly clients: readonly number[];
  readonly ids: readonly string[];
  /** Weights in the mean, summing to 1. */
  readonly weights: ArrayLike<number>;
}

/**
 * The part that clients have in common outside the space, with the scale at which each of them has
 * it.
 */
interface CommonOutside {
  /**
   * The mean of the clients; for factored changes, the part of the mean in its leading directions.
   */
  readonly part: Change;
  /**
   * Scales by client; 1 if the common part is not large, or if the scale differs from 1 only by
   * chance.
   */
  readonly times: readonly number[];
}

/** The clients' changes X_k = inside_k + O_k. */
interface SplitMembers {
  readonly changes: ChangeList;
  readonly inside: readonly Factors[];
  /** The largest rank of O_k; 0 for dense changes. */
  readonly rank: number;
}

/**
 * Finds the common part outside the space. Clients that take more steps have it at a larger scale.
 * If it is large, giving everyone the same amount would cause a larger error than refining removes.
 * @param energies |O_k|²
 * @param cuts factors that limit O_k in the mean; a client's own scale is not limited
 * @param mean M̂ = Σ w_k·cut_k·O_k
 */
export function findCommonOutside(
  { changes, inside, rank }: SplitMembers,
  energies: readonly number[],
  cuts: readonly number[],
  mean: Change,
  weights: ArrayLike<number>,
): CommonOutside {
  const cut = energies.map((own, k) => own * item(cuts, k) ** 2);
  const weighted = (power: number) => sum(cut.map((x, k) => x * item(weights, k) ** power));
  const { part, square, along } = isFactored(mean)
    ? findLeadingPart(mean, rank)
    : { part: mean, square: frobenius(mean) ** 2, along: undefined };
  // For parts that have nothing in common the mean has energy Σ w_k²·|O_k|².
  const isLarge = square - weighted(2) >= largeCommonPart * weighted(1);
  const alongPart = (k: number) =>
    along
      ? along(changes.at(k)) - along(item(inside, k))
      : // The mean is orthogonal to everything inside.
        innerOfChanges(changes.at(k), mean);
  const times = energies.map((own, k) => (isLarge ? fitCommonScale(own, alongPart(k), square) : 1));
  return { part, times };
}

/** Extra directions that make it likely to find the wanted ones. */
const oversampling = 4;

/**
 * Projects the mean to its leading directions, found by random probes (Halko, Martinsson and Tropp,
 * arXiv 0909.4061). The mean has as many columns as all changes together, but the common part of
 * many changes has at most their rank.
 */
function findLeadingPart({ b, a }: Factors, rank: number) {
  const width = Math.min(rank + oversampling, b.rows, a.cols);
  const probes = new Matrix(a.cols, width, stream("common part").normals(a.cols * width));
  const { q } = thinQr(multiply(b, multiply(a, probes)));
  const projected = multiply(multiplyTN(q, b), a);
  const along = (change: Change) => {
    if (!isFactored(change)) throw new TypeError("commonOutside: a dense and a factored change");
    return dot(multiplyTN(q, change.b), multiplyNT(projected, change.a));
  };
  return { part: { b: q, a: projected }, square: frobenius(projected) ** 2, along };
}

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
