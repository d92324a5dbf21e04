import { at, item, type Matrix } from "@fedclair/linalg";
import { ActiveColumns } from "./active-columns.js";
import { pacer } from "./pace.js";
import { addScaledTo, dotProduct } from "./vectors.js";

/**
 * Non-negative least squares: the x ≥ 0 that minimises |A·x − b|, by the active-set method of Lawson and Hanson (Solving
 * Least Squares Problems, 1974, chapter 23). The QR factors of the active columns are updated, not made anew.
 * @param a m×p, entries of order 1
 * @param b m numbers of order 1
 * @throws Error if it does not end within 10·p changes of the active set
 */
export async function nnls(a: Matrix, b: Float64Array): Promise<Float64Array> {
  const x = new Float64Array(a.cols);
  const active = new ActiveColumns();
  // Columns that rounding alone makes look useful, until the residual has changed.
  const refused = new Set<number>();
  const pace = pacer();
  let residual = b;
  for (let change = 0; change < 10 * a.cols; change++) {
    await pace();
    const entering = steepest(a, residual, new Set([...active.columns, ...refused]));
    if (entering === undefined) return x;
    if (active.add(entering, a.column(entering))) moveInside(x, active, b);
    if (x[entering] === 0) {
      refused.add(entering);
      continue;
    }
    refused.clear();
    residual = residualOf(a, x, b);
  }
  throw new Error(`nnls: no end after ${10 * a.cols} changes of the active set`);
}

/** Moves to the minimiser over the active columns; those that would turn negative on the way leave the set. */
function moveInside(x: Float64Array, active: ActiveColumns, b: Float64Array): void {
  for (;;) {
    const target = active.solve(b);
    let step = 1;
    let blocking = -1;
    for (const [k, value] of target.entries()) {
      const here = at(x, active.columns[k] ?? -1);
      const reach = value > 0 ? Infinity : here / (here - value);
      if (reach < step) [step, blocking] = [reach, k];
    }
    for (const [k, column] of active.columns.entries()) {
      const here = at(x, column);
      x[column] = here + step * (item(target, k) - here);
    }
    if (blocking < 0) return;
    x[active.columns[blocking] ?? -1] = 0;
    active.remove(blocking);
  }
}

/** The column along which the residual falls fastest; undefined if along none, but for rounding. */
function steepest(
  a: Matrix,
  residual: Float64Array,
  without: ReadonlySet<number>,
): number | undefined {
  let best: number | undefined;
  let descent = 4 * Number.EPSILON;
  for (let j = 0; j < a.cols; j++) {
    const slope = without.has(j) ? 0 : dotProduct(a.column(j), residual);
    if (slope > descent) [best, descent] = [j, slope];
  }
  return best;
}

function residualOf(a: Matrix, x: Float64Array, b: Float64Array): Float64Array {
  const residual = b.slice();
  x.forEach((value, j) => {
    if (value !== 0) addScaledTo(residual, -value, a.column(j));
  });
  return residual;
}
