import type { Condensed } from "@fedclair/clair";
import { toMatrix } from "@fedclair/core";
import { frobenius, item, median, multiplyTN, thinQr, Matrix } from "@fedclair/linalg";

/**
 * A smaller overlap means that two adapters started from different A₀. Measured: 0.3 or more with
 * the same A₀, also after long training, and less than 0.1 with different ones.
 */
const sameStartOverlap = 0.2;

/**
 * Overlaps are computed in at most `mostModules` modules and with `leastSampled` adapters, both
 * evenly spaced. More adapters are used as long as the number of overlaps stays below
 * `fewOverlaps`.
 */
const [mostModules, leastSampled, fewOverlaps] = [8, 10, 20_000];

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
 * |Q_iᵀQ_j|²/r, 0 … 1, for orthonormal bases Q. An adapter that overlaps with none of the sampled
 * adapters has its own A₀. An adapter that trained none of the compared modules is in no group.
 * @param modules by name, with the adapters in the same order in each
 */
export function findStarts(modules: ReadonlyMap<string, Pick<Condensed, "pairs">>): Starts {
  const spaces = pickEvenly([...modules.values()], mostModules).map(({ pairs }) =>
    pairs.map(({ a }) => {
      const rows = toMatrix(a);
      return frobenius(rows) > 0 ? thinQr(rows.transpose()).q : new Matrix(rows.cols, 0);
    }),
  );
  const all = [...(spaces[0]?.keys() ?? [])];
  const affordable = Math.floor(fewOverlaps / (all.length * spaces.length));
  const sampled = pickEvenly(all, Math.max(leastSampled, affordable));
  const computeOverlaps = (k: number, j: number) =>
    spaces.flatMap((own) => computeOverlap(item(own, k), item(own, j)));
  const groups: number[][] = [];
  const own: number[] = [];
  for (const k of [...sampled, ...all.filter((k) => !sampled.includes(k))]) {
    const compared = sampled
      .filter((j) => j !== k)
      .map((j) => ({ j, overlaps: computeOverlaps(k, j) }));
    const comparable = compared.filter(({ overlaps }) => overlaps.length > 0);
    const alike = comparable.find(({ overlaps }) => median(overlaps) >= sameStartOverlap);
    if (alike) {
      const group = groups.find((one) => one.includes(alike.j));
      if (group) group.push(k);
      else groups.push([k]);
    } else if (comparable.length > 0) own.push(k);
  }
  const ascending = (list: number[]) => list.sort((i, j) => i - j);
  return {
    own: ascending(own),
    groups: groups.map(ascending).sort((x, y) => y.length - x.length),
  };
}

/** Computes the overlap of two spaces; empty if one of them was not trained. */
function computeOverlap(x: Matrix, y: Matrix): number[] {
  if (x.cols === 0 || y.cols === 0) return [];
  return [frobenius(multiplyTN(x, y)) ** 2 / Math.min(x.cols, y.cols)];
}

/** Picks at most `most` entries, evenly spaced. */
function pickEvenly<T>(all: readonly T[], most: number): T[] {
  const step = Math.max(1, all.length / most);
  return all.filter((_, i) => i % step < 1);
}
