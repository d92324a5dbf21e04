import type { Condensed } from "@fedclair/aggregators";
import { toMatrix } from "@fedclair/core";
import { frobenius, item, median, multiplyTN, thinQr, Matrix } from "@fedclair/linalg";

/** An overlap below it is that of strangers. Measured: 0.8 and more of one A₀, less than 0.1 of one each. */
const stranger = 0.4;

/** Of so many modules, and with so many adapters, spread over all, overlaps are looked at: with more where that makes few overlaps. */
const [mostModules, leastLooked, fewOverlaps] = [8, 10, 20_000];

/** Where adapters began, by index. */
export interface Starts {
  /** Those that began from an A₀ of their own. */
  readonly own: readonly number[];
  /** Those that have one A₀, the largest group first. */
  readonly groups: readonly (readonly number[])[];
}

/**
 * Training turns the rows of A little: the spaces of adapters that began alike overlap, |Q_iᵀQ_j|²/r of orthonormal bases Q, 0 … 1, in
 * most modules. An adapter with the A₀ of none that is looked at has its own; one that trained no module where others did is in none.
 * @param modules by name, the adapters in one order
 */
export function startsOf(modules: ReadonlyMap<string, Pick<Condensed, "pairs">>): Starts {
  const spaces = spread([...modules.values()], mostModules).map(({ pairs }) =>
    pairs.map(({ a }) => {
      const rows = toMatrix(a);
      return frobenius(rows) > 0 ? thinQr(rows.transpose()).q : new Matrix(rows.cols, 0);
    }),
  );
  const all = [...(spaces[0]?.keys() ?? [])];
  const affordable = Math.floor(fewOverlaps / (all.length * spaces.length));
  const looked = spread(all, Math.max(leastLooked, affordable));
  const overlapsOf = (k: number, j: number) =>
    spaces.flatMap((own) => overlap(item(own, k), item(own, j)));
  const groups: number[][] = [];
  const own: number[] = [];
  for (const k of [...looked, ...all.filter((k) => !looked.includes(k))]) {
    const seen = looked.filter((j) => j !== k).map((j) => ({ j, overlaps: overlapsOf(k, j) }));
    const known = seen.filter(({ overlaps }) => overlaps.length > 0);
    const alike = known.find(({ overlaps }) => median(overlaps) >= stranger);
    if (alike) {
      const group = groups.find((one) => one.includes(alike.j));
      if (group) group.push(k);
      else groups.push([k]);
    } else if (known.length > 0) own.push(k);
  }
  const ascending = (list: number[]) => list.sort((i, j) => i - j);
  return {
    own: ascending(own),
    groups: groups.map(ascending).sort((x, y) => y.length - x.length),
  };
}

/** Of two spaces; nothing where a module was not trained. */
function overlap(x: Matrix, y: Matrix): number[] {
  if (x.cols === 0 || y.cols === 0) return [];
  return [frobenius(multiplyTN(x, y)) ** 2 / Math.min(x.cols, y.cols)];
}

/** At most so many, evenly spread over all. */
function spread<T>(all: readonly T[], most: number): T[] {
  const step = Math.max(1, all.length / most);
  return all.filter((_, i) => i % step < 1);
}
