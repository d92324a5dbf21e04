import { tensorOf, type TensorDelta, type Tensor } from "@fedclair/core";
import { median, type Matrix } from "@fedclair/linalg";
import type { Factors } from "../factors.js";
import { combine, inner, isFactored, normOf, scaled, weightedSum, type Change } from "./change.js";
import type { ClairOptions } from "./options.js";
import { projectionOn, type SharedSpace } from "./space.js";

/** One module, refined (step 7): client k of C goes on with personal_k + shared. */
export interface Refined {
  /** Π(X_k) by client id, inside the shared space; of rank r, one factor (U or Vᵀ) the same object for all. */
  readonly personal: ReadonlyMap<string, Factors>;
  /** Σ w_k·Π(X_k), of rank r. With `shared` it is the global change. */
  readonly meanPersonal: Factors;
  /** c·M̂, from the mean over C of what lies outside the space; stacked factors if the clients' changes are factored. */
  readonly shared: Change;
  /** c, 0 … 1: how much of that mean is handed out. */
  readonly share: number;
}

/** Benign clients: who is refined. */
export interface Members {
  /** Indices. */
  readonly clients: readonly number[];
  readonly ids: readonly string[];
  /** In the mean, summing to 1. */
  readonly weights: ArrayLike<number>;
}

export type RefineOptions = Pick<ClairOptions, "offSubspace" | "clipOff">;

/**
 * Step 7 of one module: averages what benign clients have outside the shared space, where their differences are mostly
 * error, and leaves each its own inside.
 * @param changes of the members, at least one
 */
export function refineModule(
  changes: readonly Change[],
  space: SharedSpace,
  { ids, weights }: Members,
  { offSubspace, clipOff }: RefineOptions,
): Refined {
  const project = projectionOn(space);
  const pieces = changes.map(project);
  const inside = pieces.map((piece) => piece.inside);
  const outside = clip(
    pieces.map((piece) => piece.outside),
    clipOff,
  );
  const mean = combine(outside, weights);
  const share = shareOf(
    outside,
    mean,
    weights,
    offSubspace,
    rounding * median(changes.map(normOf)),
  );
  return {
    personal: new Map(inside.map((own, k) => [ids[k] ?? "", own])),
    meanPersonal: meanOf(inside, weights, space),
    shared: scaled(mean, share),
    share,
  };
}

/** Of a change's norm, what its part outside the space has from rounding alone, and more. */
const rounding = 1e-12;

/** Cuts every norm to `clipOff` median norms. */
function clip(outside: readonly Change[], clipOff: number | null): readonly Change[] {
  if (clipOff === null) return outside;
  const norms = outside.map(normOf);
  const most = clipOff * median(norms);
  return outside.map((change, k) => {
    const norm = norms[k] ?? 0;
    return norm > most ? scaled(change, most / norm) : change;
  });
}

function meanOf(
  inside: readonly Factors[],
  weights: ArrayLike<number>,
  space: SharedSpace,
): Factors {
  const [first] = inside;
  if (first === undefined) throw new RangeError("refine: expected at least one client");
  // The factor that is the space itself is common to all: the mean keeps rank r.
  return space.left !== undefined
    ? {
        b: first.b,
        a: weightedSum(
          inside.map(({ a }) => a),
          weights,
        ),
      }
    : {
        b: weightedSum(
          inside.map(({ b }) => b),
          weights,
        ),
        a: first.a,
      };
}

/**
 * c: 1, 0, or with `shrink` the positive-part James–Stein factor max(0, 1 - v/|M̂|²), v the estimated variance of M̂ =
 * |C|/(|C|-1)·Σ w_j²·|O_j - M̂|².
 * @param leastNorm of M̂: up to it `shrink` shares nothing, whatever rounding makes of the quotient
 */
function shareOf(
  outside: readonly Change[],
  mean: Change,
  weights: ArrayLike<number>,
  mode: ClairOptions["offSubspace"],
  leastNorm: number,
): number {
  if (mode === "mean") return 1;
  const size = normOf(mean);
  if (mode === "zero" || outside.length === 1 || size <= leastNorm) return 0;
  const energy = size ** 2;
  const variance = outside.reduce((total, change, k) => {
    const distance = normOf(change) ** 2 - 2 * inner(change, mean) + energy;
    return total + (weights[k] ?? NaN) ** 2 * distance;
  }, 0);
  const n = outside.length;
  return Math.max(0, 1 - (n * variance) / (n - 1) / energy);
}

/** A refined module as it travels: row by row. A matrix that several changes share stays one tensor. */
export interface RefinedUpdates {
  readonly personal: ReadonlyMap<string, TensorDelta>;
  readonly meanPersonal: TensorDelta;
  /** Absent if nothing is shared. */
  readonly shared?: TensorDelta;
}

export function asUpdates({ personal, meanPersonal, shared, share }: Refined): RefinedUpdates {
  const known = new Map<Matrix, Tensor>();
  const toTensor = (matrix: Matrix) => {
    const tensor = known.get(matrix) ?? tensorOf(matrix);
    known.set(matrix, tensor);
    return tensor;
  };
  const toUpdate = (change: Change) =>
    isFactored(change) ? { b: toTensor(change.b), a: toTensor(change.a) } : toTensor(change);
  return {
    personal: new Map([...personal].map(([id, own]) => [id, toUpdate(own)])),
    meanPersonal: toUpdate(meanPersonal),
    ...(share > 0 && { shared: toUpdate(shared) }),
  };
}

/** All that travels of a refined module. */
export function updatesIn({ personal, meanPersonal, shared }: RefinedUpdates): TensorDelta[] {
  return [...personal.values(), meanPersonal, ...(shared === undefined ? [] : [shared])];
}
