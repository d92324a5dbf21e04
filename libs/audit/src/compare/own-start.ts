import type { Condensed } from "@fedclair/clair";
import { indices, median, type Matrix } from "@fedclair/linalg";

/**
 * A smaller overlap means that two adapters started from different A₀. Measured: 0.3 or more with
 * the same A₀, also after long training, and less than 0.1 with different ones.
 */
const sameStartOverlap = 0.2;

/** Overlaps are compared in at most so many modules, evenly spaced. */
const mostModules = 8;

/** Groups of adapters by their start A₀; adapters are given by index. */
export interface Starts {
  /** Adapters that started from an A₀ of their own. */
  readonly own: readonly number[];
  /** Adapters that share one A₀, the largest group first. */
  readonly groups: readonly (readonly number[])[];
}

/**
 * Finds which adapters started from the same A₀. Training rotates the rows of A only a little, so
 * the row spaces of adapters with the same start overlap in most modules. The overlap is
 * |Q_iᵀQ_j|²/r, 0 … 1, for orthonormal bases Q. An adapter that overlaps with no other has its own
 * A₀. An adapter that trained none of the compared modules is in no group.
 * @param modules by name, with the adapters in the same order in each
 */
export function findStarts(modules: ReadonlyMap<string, Pick<Condensed, "rowProducts">>): Starts {
  const compared = pickEvenly([...modules.values()], mostModules);
  const all = indices(compared[0]?.rowProducts.rows ?? 0);
  const groups: number[][] = [];
  const own: number[] = [];
  for (const k of all) {
    const overlapsWith = (j: number) =>
      j === k ? [] : compared.flatMap(({ rowProducts }) => computeOverlap(rowProducts, k, j));
    const alike = all.find((j) => {
      const overlaps = overlapsWith(j);
      return overlaps.length > 0 && median(overlaps) >= sameStartOverlap;
    });
    if (alike !== undefined) {
      const group = groups.find((one) => one.includes(alike));
      if (group) group.push(k);
      else groups.push([k]);
    } else if (all.some((j) => overlapsWith(j).length > 0)) own.push(k);
  }
  return { own, groups: groups.sort((x, y) => y.length - x.length) };
}

/** Computes the overlap of two spaces; empty if one of them was not trained. */
function computeOverlap(products: Matrix, i: number, j: number): number[] {
  const dimensions = Math.min(products.get(i, i), products.get(j, j));
  return dimensions === 0 ? [] : [products.get(i, j) / dimensions];
}

/** Picks at most `most` entries, evenly spaced. */
function pickEvenly<T>(all: readonly T[], most: number): T[] {
  const step = Math.max(1, all.length / most);
  return all.filter((_, i) => i % step < 1);
}
