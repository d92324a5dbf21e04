import { median } from "@fedclair/linalg";
import type { Factors } from "../factors.js";
import { weightsOf } from "../weights.js";
import { combine, inner, normOf, scaled, weightedSum, type Change } from "./change.js";
import type { ClairResult } from "./clair.js";
import { changesOf, type SharedSpace } from "./locate.js";
import type { ClairOptions } from "./options.js";
import { projectionOn } from "./projection.js";

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

/**
 * Step 7, by module: averages what benign clients have outside the shared space, where their differences are mostly
 * error, and leaves each its own inside.
 * @returns nothing for a round without a benign client
 */
export function refine(
  { benign, spaces }: Pick<ClairResult, "benign" | "spaces">,
  options: Pick<ClairOptions, "offSubspace" | "weighting" | "clipOff">,
): ReadonlyMap<string, Refined> {
  if (benign.length === 0) return new Map();
  const ids = benign.map(({ id }) => id);
  const weights = weightsOf(benign, options.weighting);
  return new Map(
    [...spaces].map(([module, space]) => [
      module,
      refineModule(ids, changesOf(benign, module), space, weights, options),
    ]),
  );
}

function refineModule(
  ids: readonly string[],
  changes: readonly Change[],
  space: SharedSpace,
  weights: ArrayLike<number>,
  { offSubspace, clipOff }: Pick<ClairOptions, "offSubspace" | "clipOff">,
): Refined {
  const project = projectionOn(space);
  const pieces = changes.map(project);
  const inside = pieces.map((piece) => piece.inside);
  const outside = clip(
    pieces.map((piece) => piece.outside),
    clipOff,
  );
  const mean = combine(outside, weights);
  const share = shareOf(outside, mean, weights, offSubspace);
  return {
    personal: new Map(inside.map((own, k) => [ids[k] ?? "", own])),
    meanPersonal: meanOf(inside, weights, space),
    shared: scaled(mean, share),
    share,
  };
}

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
 */
function shareOf(
  outside: readonly Change[],
  mean: Change,
  weights: ArrayLike<number>,
  mode: ClairOptions["offSubspace"],
): number {
  if (mode === "mean") return 1;
  const energy = normOf(mean) ** 2;
  if (mode === "zero" || outside.length === 1 || energy === 0) return 0;
  const variance = outside.reduce((total, change, k) => {
    const distance = normOf(change) ** 2 - 2 * inner(change, mean) + energy;
    return total + (weights[k] ?? NaN) ** 2 * distance;
  }, 0);
  const n = outside.length;
  return Math.max(0, 1 - (n * variance) / (n - 1) / energy);
}
