import type { Base } from "./family.js";
import { evaluateHistogram, shannon, totalVariation } from "./evaluate-histogram.js";
import { ModelError } from "./model-error.js";

/** A point of the grid and how far its evaluation lies from the data. */
export interface GridPoint {
  readonly alpha: number;
  /** ln n minus the Shannon entropy: the parameter that the authors' code calls tau, with the opposite sign of ours. */
  readonly kl: number;
  /** Total variation. */
  readonly tv: number;
}

const alphas = logSpaced(1e-4, 1e2, 100);
const divergences = logSpaced(10 ** 0.1, 10, 10);

/**
 * The authors' procedure (their public code; specification 2.5): every evaluation of a fixed grid, by its total variation
 * from the observed pmf, nearest first. Points without a solution are left out.
 * @param base counts points (spacing 1)
 * @param fixed alpha or kl to hold, in place of its grid
 */
export function gridFit(
  base: Base,
  observed: Float64Array,
  fixed: { readonly alpha?: number; readonly kl?: number } = {},
): readonly GridPoint[] {
  const tried = fixed.kl === undefined ? divergences : [fixed.kl];
  const averse = fixed.alpha === undefined ? alphas : [fixed.alpha];
  return averse
    .flatMap((alpha) => tried.flatMap((kl) => distanceAt(base, observed, alpha, kl)))
    .sort((x, y) => x.tv - y.tv);
}

/** The kl of a pmf: how far its entropy lies below that of all points alike. */
export function klOf(pmf: ArrayLike<number>): number {
  return Math.log(pmf.length) - shannon(pmf);
}

function distanceAt(base: Base, observed: Float64Array, alpha: number, kl: number): GridPoint[] {
  try {
    const { pmf } = evaluateHistogram(base, alpha, Math.log(base.x.length) - kl);
    return [{ alpha, kl, tv: totalVariation(pmf, observed) }];
  } catch (error) {
    if (error instanceof ModelError && error.code === "INFEASIBLE") return [];
    throw error;
  }
}

function logSpaced(from: number, to: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => from * (to / from) ** (i / (count - 1)));
}
