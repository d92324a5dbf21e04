import { Matrix, norm, item } from "@fedclair/linalg";
import { evaluateHistogram, histogramBase, shannon } from "../model/evaluate-histogram.js";
import type { BaseMeasure } from "../model/family.js";
import type { Loss } from "../model/losses.js";
import { ModelError } from "../model/model-error.js";
import { listCentres, widthOf, type ScoreBins } from "./grid.js";

/**
 * The features onto which all institutions project their panels; the coordinator broadcasts them.
 */
export interface ScoreModel {
  readonly grid: ScoreBins;
  /** Statistics (U, O) on the bins; entropies relative to the base are differential, in nats. */
  readonly base: BaseMeasure;
  /** The reference pmf; every bin is above 0. */
  readonly reference: Float64Array;
  /**
   * K×B functions of the bins, orthonormal under `weight` and orthogonal to 1; the first two span U
   * and O.
   */
  readonly psi: Matrix;
  /** w, the mean of nine evaluations. */
  readonly weight: Float64Array;
}

const alphas = [1, 2, 4] as const;
const entropySteps = [-0.2, 0, 0.2] as const;

/**
 * Computes the features that institutions average. They are U, O, cos(πs), cos(2πs), … after the
 * constant, made orthonormal by Gram–Schmidt under the mean of nine pmfs: alpha 1, 2, 4 and three
 * entropies around the reference's own. U and O determine (alpha, tau). The cosines are redundant
 * under the model, so they reveal scores that no evaluation could produce.
 * @param reference sums to 1, above 0
 * @param features K ≥ 2, at most B - 1
 * @throws ModelError INFEASIBLE if the reference is so even that no evaluation can have 0.2 nats
 * more
 */
export function createScoreModel(
  reference: Float64Array,
  grid: ScoreBins,
  loss: Loss = "squared",
  features = 8,
): ScoreModel {
  const base = histogramBase(listCentres(grid), reference, loss, widthOf(grid));
  const entropy = shannon(reference) + Math.log(widthOf(grid));
  const weight = new Float64Array(grid.bins);
  for (const alpha of alphas) {
    for (const step of entropySteps) {
      const { pmf } = evaluateHistogram(base, alpha, entropy + step);
      pmf.forEach((p, b) => (weight[b] = item(weight, b) + p / 9));
    }
  }
  return { grid, base, reference, weight, psi: orthonormalise(base, weight, features) };
}

function orthonormalise(base: BaseMeasure, weight: Float64Array, count: number): Matrix {
  const bins = weight.length;
  // Multiplying bins by √w turns inner products under w into plain ones.
  const root = weight.map(Math.sqrt);
  const chosen: Float64Array[] = [root];
  for (const candidate of listCandidates(base)) {
    if (chosen.length > count) break;
    const column = candidate.map((x, b) => x * item(root, b));
    const before = norm(column);
    // Two passes are enough (Parlett and Kahan).
    for (let pass = 0; pass < 2; pass++) for (const q of chosen) removeFrom(column, q);
    const rest = norm(column);
    if (rest > 1e-6 * before) chosen.push(column.map((x) => x / rest));
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

function* listCandidates({ under, over, x }: BaseMeasure): Generator<Float64Array> {
  yield under;
  yield over;
  // On B midpoints, cos(πks) repeats from k = B on.
  for (let k = 1; k < x.length; k++) {
    yield Float64Array.from(x, (_, b) => Math.cos((Math.PI * k * (b + 0.5)) / x.length));
  }
}

function removeFrom(column: Float64Array, q: Float64Array): void {
  const overlap = column.reduce((total, x, b) => total + x * item(q, b), 0);
  q.forEach((y, b) => (column[b] = item(column, b) - overlap * y));
}
