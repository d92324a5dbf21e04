import { Matrix, norm, item } from "@fedclair/linalg";
import { evaluateHistogram, histogramBase, shannon } from "../model/evaluate-histogram.js";
import type { Base } from "../model/family.js";
import type { Loss } from "../model/losses.js";
import { ModelError } from "../model/model-error.js";
import { centresOf, widthOf, type Grid } from "./grid.js";

/** What all institutions project their panels onto: the coordinator broadcasts it. */
export interface ScoreModel {
  readonly grid: Grid;
  /** Statistics (U, O) on the bins; entropies relative to it are differential, in nats. */
  readonly base: Base;
  /** The reference pmf, none of its bins 0. */
  readonly reference: Float64Array;
  /** K×B functions of the bins, orthonormal under `weight` and orthogonal to 1; the first two span U and O. */
  readonly psi: Matrix;
  /** w, the mean of nine evaluations. */
  readonly weight: Float64Array;
}

const alphas = [1, 2, 4] as const;
const entropySteps = [-0.2, 0, 0.2] as const;

/**
 * The features that institutions average: U, O, cos(πs), cos(2πs), … after the constant, by Gram–Schmidt under the mean of the
 * pmfs with alpha 1, 2, 4 and entropies about the reference's own. U and O carry (alpha, tau); the cosines are redundant under
 * the model, and show what no evaluation could have made.
 * @param reference sums to 1, above 0
 * @param features K ≥ 2, at most B - 1
 * @throws ModelError INFEASIBLE if the reference is so even that no evaluation can have 0.2 nats more
 */
export function scoreModel(
  reference: Float64Array,
  grid: Grid,
  loss: Loss = "squared",
  features = 8,
): ScoreModel {
  const base = histogramBase(centresOf(grid), reference, loss, widthOf(grid));
  const entropy = shannon(reference) + Math.log(widthOf(grid));
  const weight = new Float64Array(grid.bins);
  for (const alpha of alphas) {
    for (const step of entropySteps) {
      const { pmf } = evaluateHistogram(base, alpha, entropy + step);
      pmf.forEach((p, b) => (weight[b] = item(weight, b) + p / 9));
    }
  }
  return { grid, base, reference, weight, psi: orthonormalFeatures(base, weight, features) };
}

function orthonormalFeatures(base: Base, weight: Float64Array, count: number): Matrix {
  const bins = weight.length;
  // Bins times √w: inner products under w become plain ones.
  const root = weight.map(Math.sqrt);
  const chosen: Float64Array[] = [root];
  for (const candidate of candidates(base)) {
    if (chosen.length > count) break;
    const column = candidate.map((x, b) => x * item(root, b));
    const before = norm(column);
    // Twice is enough (Parlett and Kahan).
    for (let pass = 0; pass < 2; pass++) for (const q of chosen) removeFrom(column, q);
    const left = norm(column);
    if (left > 1e-6 * before) chosen.push(column.map((x) => x / left));
  }
  const psi = new Matrix(count, bins);
  chosen.slice(1).forEach((q, k) => {
    q.forEach((x, b) => (psi.data[k + b * count] = x / item(root, b)));
  });
  if (chosen.length <= count) {
    throw new ModelError(
      "BAD_ARGUMENT",
      `${bins} bins bear ${chosen.length - 1} features, got ${count}`,
    );
  }
  return psi;
}

function* candidates({ under, over, x }: Base): Generator<Float64Array> {
  yield under;
  yield over;
  // cos(πks) on B midpoints repeats from k = B on.
  for (let k = 1; k < x.length; k++) {
    yield Float64Array.from(x, (_, b) => Math.cos((Math.PI * k * (b + 0.5)) / x.length));
  }
}

function removeFrom(column: Float64Array, q: Float64Array): void {
  const overlap = column.reduce((total, x, b) => total + x * item(q, b), 0);
  q.forEach((y, b) => (column[b] = item(column, b) - overlap * y));
}
