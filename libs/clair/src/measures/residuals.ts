import {
  at,
  indices,
  item,
  mean,
  median,
  standardDeviation,
  sum,
  type Matrix,
} from "@fedclair/linalg";
import type { Energies } from "../space/view-measures.js";

/** What lies outside the shared space of each client's dense change. */
export interface Residuals {
  /** Energies, relative to the usual client's. */
  readonly energies: Float64Array;
  /** The number of independent directions that residuals have, over all modules. */
  readonly directions: number;
}

/** Residual energies, with what is needed to compare the residuals themselves. */
interface ResidualEnergies extends Pick<Residuals, "energies"> {
  /** Number of directions outside the space, by module. */
  readonly dimensions: readonly number[];
  /** The energy of the usual client, by module. */
  readonly usual: readonly number[];
}

/**
 * Measures residual energies, each module relative to its median, so that modules may have noise of
 * different sizes.
 * @param energies of the clients' blocks in the fit without them, by module
 * @param grams ⟨X_i, X_j⟩ / (|X_i| |X_j|) of these clients, by module, with norms of whole changes
 * @param norms of whole changes
 * @param shapes rows and columns by module; the space is one of columns
 * @param ranks dimensions of the spaces
 * @returns undefined if a usual client has no residual
 */
export function measureResiduals(
  energies: readonly Energies[],
  grams: readonly Matrix[],
  norms: readonly number[],
  shapes: readonly (readonly [rows: number, cols: number])[],
  ranks: readonly number[],
): ResidualEnergies | undefined {
  const dimensions = shapes.map(([rows, cols], m) => (rows - item(ranks, m)) * cols);
  const byModule = grams.map((gram, m) => {
    const { inside, outside } = item(energies, m);
    return Float64Array.from(norms, (norm, k) => {
      const share = at(outside, k) / (at(inside, k) + at(outside, k) || 1);
      return norm ** 2 * gram.get(k, k) * share;
    });
  });
  const usual = byModule.map((own) => median(own));
  if (!usual.every((x) => x > 0)) return undefined;
  const all = sum(dimensions);
  const relative = (k: number) =>
    sum(byModule.map((own, m) => (item(dimensions, m) * at(own, k)) / item(usual, m))) / all;
  return { energies: Float64Array.from(norms, (_, k) => relative(k)), dimensions, usual };
}

/** Lists the half of the clients with the least residual energy. */
export function listLeastHalf(energies: Float64Array): number[] {
  return indices(energies.length)
    .toSorted((i, j) => at(energies, i) - at(energies, j))
    .slice(0, Math.ceil(energies.length / 2));
}

/**
 * Counts the independent directions that residuals have. Noise of ν directions has squared cosines
 * of 1/ν between clients on average; residuals that share a few directions have much larger ones,
 * and then they are no noise, however alike their energies are.
 * @param grams ⟨X_i, X_j⟩ / (|X_i| |X_j|) of some clients, by module
 * @param inside ⟨PX_i, PX_j⟩ of the same clients, by module
 * @returns at most the number of directions outside the space
 */
export function countDirections(
  grams: readonly Matrix[],
  inside: readonly Matrix[],
  norms: readonly number[],
  { dimensions, usual }: Pick<ResidualEnergies, "dimensions" | "usual">,
): number {
  const product = (i: number, j: number) =>
    sum(
      grams.map((gram, m) => {
        const whole = item(norms, i) * item(norms, j) * gram.get(i, j);
        return (item(dimensions, m) / item(usual, m)) * (whole - item(inside, m).get(i, j));
      }),
    );
  const own = norms.map((_, k) => product(k, k));
  const squares = own.flatMap((x, i) =>
    indices(i).map((j) => product(i, j) ** 2 / (x * item(own, j))),
  );
  return Math.min(sum(dimensions), 1 / mean(squares));
}

/**
 * Standard deviation of the lower half of normal numbers, √(1 − 2/π), and the factor within which
 * the clients' must be. Among contaminated clients the lower half of all is a larger part of the
 * honest ones.
 */
const [lowerHalf, tolerance] = [Math.sqrt(1 - 2 / Math.PI), 2.5];

/**
 * The standard deviation of cube roots of residual energies by the law of noise, √(2/9ν) for ν
 * directions, or that of the least half of the clients if it is larger. The cube root of χ² is
 * nearly normal, where χ² itself has a long tail (Wilson and Hilferty 1931). Clients whose
 * residuals differ for other reasons, such as their number of samples, vary much more: then it is
 * not noise, and undefined.
 */
export function findNoiseSpread({ energies, directions }: Residuals): number | undefined {
  const sorted = energies.map(Math.cbrt).sort();
  const half = sorted.subarray(0, Math.ceil(sorted.length / 2));
  const spread = Math.sqrt(2 / 9 / directions);
  const own = standardDeviation(half) / mean(half);
  return own <= tolerance * lowerHalf * spread ? Math.max(spread, own / lowerHalf) : undefined;
}
