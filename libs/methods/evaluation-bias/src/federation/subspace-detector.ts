import {
  frobenius,
  leadingLeft,
  median,
  splitEnergy,
  sum,
  type Matrix,
  item,
} from "@fedclair/linalg";
import type { PanelMoments } from "./moments.js";

/** The part of an institution's moments that the detector uses. */
export interface NoisyMatrix {
  readonly matrix: Matrix;
  /** Σ_j Σ_k Var(psi_k)/n_j: the expected |noise|²_F of the matrix. */
  readonly noise: number;
}

export function toNoisyMatrix({ matrix, counts, variances }: PanelMoments): NoisyMatrix {
  const share = (variance: number, j: number) => {
    const n = item(counts, j);
    return n === 0 ? 0 : variance / n; // a withheld panel is 0, without noise
  };
  return { matrix, noise: sum(variances.map(share)) };
}

interface DetectorSettings {
  /** Largest rank tried. */
  readonly maxRank: number;
  /** A rank is large enough if the median residual is at most this many noise floors. */
  readonly slack: number;
  /** An institution is flagged above this many median residuals … */
  readonly factor: number;
  /** … and this many noise floors. */
  readonly floorFactor: number;
}

const defaultDetector: DetectorSettings = {
  maxRank: 4,
  slack: 2.5,
  factor: 2,
  floorFactor: 2.5,
};

export interface SubspaceDetection {
  readonly rank: number;
  /**
   * Residual that sampling noise alone leaves outside a space of this rank, for the median
   * institution.
   */
  readonly floor: number;
  /** |(I - QQᵀ)·M_c|_F of each institution. */
  readonly residuals: Float64Array;
  readonly threshold: number;
  readonly flagged: readonly boolean[];
}

/**
 * Flags the matrices that leave the column space that most of them share. The space comes from
 * robust PCA by iterative re-weighting, with the smallest rank that brings the median residual down
 * to noise. The rank must follow the data: a larger one than the benign matrices need would include
 * a contaminated direction, and that matrix would look clean.
 * @param institutions at least one
 */
export function detectOutsiders(
  institutions: readonly NoisyMatrix[],
  settings: DetectorSettings = defaultDetector,
): SubspaceDetection {
  const matrices = institutions.map(({ matrix }) => matrix);
  const features = matrices[0]?.rows ?? 0;
  const highest = Math.min(settings.maxRank, features - 1);
  for (let rank = 1; ; rank++) {
    const basis = robustSpace(matrices, rank);
    const residuals = Float64Array.from(matrices, (m) => computeResidual(basis, m));
    const floor = median(institutions.map((client) => noiseFloor(client, rank)));
    const middle = median(residuals);
    if (middle > settings.slack * floor && rank < highest) continue;
    const threshold = Math.max(settings.factor * middle, settings.floorFactor * floor);
    const flagged = Array.from(residuals, (residual) => residual > threshold);
    return { rank, floor, residuals, threshold, flagged };
  }
}

/**
 * Finds the Q that minimises Σ_c |(I - QQᵀ)·M_c|_F over matrices scaled to norm 1. Without scaling,
 * one large fabrication would capture the space.
 */
function robustSpace(matrices: readonly Matrix[], rank: number): Matrix {
  const unit = matrices.map((m) => m.scale(1 / (frobenius(m) || 1)));
  let basis = leadingLeft(unit, rank);
  let objective = Infinity;
  for (let step = 0; step < 1000; step++) {
    const residuals = unit.map((m) => computeResidual(basis, m));
    const before = objective;
    objective = sum(residuals);
    if (Math.abs(before - objective) <= 1e-10 * objective) break;
    const weighted = unit.map((m, c) => m.scale(1 / Math.sqrt(Math.max(item(residuals, c), 1e-6))));
    basis = leadingLeft(weighted, rank);
  }
  return basis;
}

function computeResidual(basis: Matrix, matrix: Matrix): number {
  return Math.sqrt(splitEnergy(basis, matrix).outside);
}

/** Computes the residual that noise leaves outside `rank` of the K dimensions. */
function noiseFloor({ matrix, noise }: NoisyMatrix, rank: number): number {
  return Math.sqrt((noise * (matrix.rows - rank)) / matrix.rows);
}
