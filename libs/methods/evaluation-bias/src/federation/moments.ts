import { Matrix, sum, item } from "@fedclair/linalg";
import { fitMoments, type Fit } from "../model/fit.js";
import type { ScoreModel } from "./basis.js";

/** The moments that an institution sends of its panels instead of scores or histograms. */
export interface PanelMoments {
  /** K×q, means of the features over each panel: M = Ψ·h. */
  readonly matrix: Matrix;
  /** Number of scores in each panel; 0 for a panel that is withheld. */
  readonly counts: Float64Array;
  /** Σ_k Var(psi_k) over each panel: the squared sampling error of a column, times its count. */
  readonly variances: Float64Array;
}

/**
 * Computes the moments of an institution's panels.
 * @param psi K×B
 * @param panels counts per bin of each panel
 * @param minCount a panel with fewer scores is withheld to protect individuals: count 0, moments 0
 */
export function computeMoments(
  psi: Matrix,
  panels: readonly Float64Array[],
  minCount = 1,
): PanelMoments {
  const matrix = new Matrix(psi.rows, panels.length);
  const counts = new Float64Array(panels.length);
  const variances = new Float64Array(panels.length);
  panels.forEach((bins, j) => {
    const n = sum(bins);
    if (n < minCount) return;
    const mean = matrix.column(j);
    let squares = 0;
    bins.forEach((count, b) => {
      psi.column(b).forEach((value, k) => {
        mean[k] = item(mean, k) + (value * count) / n;
        squares += (value * value * count) / n;
      });
    });
    counts[j] = n;
    variances[j] = squares - mean.reduce((total, x) => total + x * x, 0);
  });
  return { matrix, counts, variances };
}

/**
 * Fits (alpha, tau) to a column of moments. U = <U>_w + <U, psi_1>_w·psi_1 exactly, and O likewise
 * in psi_1 and psi_2, so their means over the panel are linear in the first two moments.
 * @param column at least the first two moments
 */
export function fitColumn({ base, psi, weight }: ScoreModel, column: ArrayLike<number>): Fit {
  const project = (values: Float64Array, k?: number): number =>
    weight.reduce(
      (total, w, b) => total + w * item(values, b) * (k === undefined ? 1 : psi.get(k, b)),
      0,
    );
  const meanOf = (values: Float64Array): number =>
    project(values) + project(values, 0) * item(column, 0) + project(values, 1) * item(column, 1);
  return fitMoments(base, meanOf(base.under), meanOf(base.over));
}

/**
 * Computes the joint moments of panel j over some institutions: the mean weighted by counts, NaN if
 * all of them withheld it.
 */
export function poolMoments(institutions: readonly PanelMoments[], j: number): Float64Array {
  const total = institutions.reduce((n, { counts }) => n + item(counts, j), 0);
  const column = new Float64Array(institutions[0]?.matrix.rows ?? 0);
  for (const { matrix, counts } of institutions) {
    matrix.column(j).forEach((x, k) => {
      column[k] = item(column, k) + (item(counts, j) / total) * x;
    });
  }
  return column;
}
