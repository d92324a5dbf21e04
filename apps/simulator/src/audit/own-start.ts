import type { Condensed } from "@fedclair/aggregators";
import { matrixOf } from "@fedclair/core";
import { frobenius, item, median, multiplyTN, thinQr, Matrix } from "@fedclair/linalg";

/** An overlap below it is that of strangers. Measured: 0.8 and more of one A₀, less than 0.1 of one each. */
const stranger = 0.4;

/** Of so many modules, and of so many other adapters, spread over all, overlaps are looked at. */
const [mostModules, mostOthers] = [8, 9];

/**
 * The adapters that began from an A₀ of their own, by index. Training turns the rows of A little: the spaces of those that began alike
 * overlap, |Q_iᵀQ_j|²/r of orthonormal bases Q, 0 … 1; an adapter of which none of the others does, in most modules, began apart.
 * @param modules by name, the adapters in one order
 */
export function beganApart(modules: ReadonlyMap<string, Pick<Condensed, "pairs">>): number[] {
  const spaces = spread([...modules.values()], mostModules).map(({ pairs }) =>
    pairs.map(({ a }) => {
      const rows = matrixOf(a);
      return frobenius(rows) > 0 ? thinQr(rows.transpose()).q : new Matrix(rows.cols, 0);
    }),
  );
  const all = [...(spaces[0]?.keys() ?? [])];
  const others = spread(all, mostOthers + 1);
  return all.filter((k) => {
    const nearest = spaces.flatMap((own) => {
      const overlaps = others.flatMap((j) => (j === k ? [] : overlap(item(own, k), item(own, j))));
      return overlaps.length > 0 ? [Math.max(...overlaps)] : [];
    });
    return nearest.length > 0 && median(nearest) < stranger;
  });
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
