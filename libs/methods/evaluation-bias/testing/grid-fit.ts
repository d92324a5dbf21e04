import { sum } from "@fedclair/linalg";
import type { BaseMeasure } from "../src/model/family.js";
import { evaluateHistogram, shannon, totalVariation } from "../src/model/evaluate-histogram.js";
import { ModelError } from "../src/model/model-error.js";

/** A point of the grid, and the distance of its evaluation from the data. */
interface GridPoint {
  readonly alpha: number;
  /**
   * ln n minus the Shannon entropy: the parameter that the authors' code calls tau, with the
   * opposite sign of our tau.
   */
  readonly kl: number;
  /** Number of points by which the evaluation is moved up. */
  readonly shift: number;
  /** Total variation. Mass that a shift moves off the points counts as missed. */
  readonly tv: number;
}

const alphas = logSpaced(1e-4, 1e2, 100);
const divergences = logSpaced(10 ** 0.1, 10, 10);

/**
 * Follows the authors' public code: tries every evaluation of a fixed grid and sorts them by total
 * variation from the observed pmf, nearest first. Points without a solution are left out.
 * @param base counts points (spacing 1)
 * @param fixed alpha or kl to use instead of its grid
 * @param maxShift every evaluation is also tried when moved by up to this many points, up and down
 */
export function fitByGrid(
  base: BaseMeasure,
  observed: Float64Array,
  fixed: { readonly alpha?: number; readonly kl?: number } = {},
  maxShift = 0,
): readonly GridPoint[] {
  const kls = fixed.kl === undefined ? divergences : [fixed.kl];
  const alphaGrid = fixed.alpha === undefined ? alphas : [fixed.alpha];
  const shifts = Array.from({ length: 2 * maxShift + 1 }, (_, i) => i - maxShift);
  return alphaGrid
    .flatMap((alpha) =>
      kls.flatMap((kl) => {
        const pmf = tryEvaluate(base, alpha, kl);
        if (pmf === undefined) return [];
        return shifts.map((shift) => ({
          alpha,
          kl,
          shift,
          tv: computeShiftedVariation(pmf, observed, shift),
        }));
      }),
    )
    .sort((x, y) => x.tv - y.tv);
}

/** Computes the kl of a pmf: the difference between its entropy and that of the uniform pmf. */
export function computeKl(pmf: ArrayLike<number>): number {
  return Math.log(pmf.length) - shannon(pmf);
}

/** Evaluates a histogram; undefined if no gamma gives the entropy. */
function tryEvaluate(base: BaseMeasure, alpha: number, kl: number): Float64Array | undefined {
  try {
    return evaluateHistogram(base, alpha, Math.log(base.x.length) - kl).pmf;
  } catch (error) {
    if (error instanceof ModelError && error.code === "INFEASIBLE") return undefined;
    throw error;
  }
}

/**
 * Computes the total variation of a pmf that is moved up by `shift` points. Mass that leaves the
 * points is observed nowhere.
 */
function computeShiftedVariation(pmf: Float64Array, observed: Float64Array, shift: number): number {
  const moved = pmf.map((_, i) => pmf[i - shift] ?? 0);
  return totalVariation(moved, observed) + (sum(pmf) - sum(moved)) / 2;
}

function logSpaced(from: number, to: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => from * (to / from) ** (i / (count - 1)));
}
