import type { Condensed } from "@fedclair/aggregators";
import { matrixOf } from "@fedclair/core";
import { frobenius, median, multiplyTN, thinQr } from "@fedclair/linalg";

/** An overlap below it is that of strangers. Measured: 0.8 and more of one A₀, less than 0.1 of one each. */
const stranger = 0.4;

/** Of so many modules, spread over all, overlaps are looked at. */
const mostModules = 8;

/**
 * Did every adapter begin from an A₀ of its own? Training turns the rows of A little: the spaces of those that began alike overlap,
 * |Q_iᵀQ_j|²/r of orthonormal bases Q, 0 … 1.
 * @param modules by name, the adapters in one order
 */
export function beganApart(modules: ReadonlyMap<string, Pick<Condensed, "pairs">>): boolean {
  const step = Math.max(1, modules.size / mostModules);
  const some = [...modules.values()].filter((_, m) => m % step < 1);
  const overlaps = some.flatMap(({ pairs }) => {
    const spaces = pairs.flatMap(({ a }) => {
      const rows = matrixOf(a);
      return frobenius(rows) > 0 ? [thinQr(rows.transpose()).q] : [];
    });
    return spaces.slice(1).map((space, k) => {
      const before = spaces[k] ?? space;
      return frobenius(multiplyTN(before, space)) ** 2 / Math.min(before.cols, space.cols);
    });
  });
  return overlaps.length > 0 && median(overlaps) < stranger;
}
