import { at, item, type Matrix } from "@fedclair/linalg";
import { ActiveColumns } from "./active-columns.js";
import { createPacer } from "./pace.js";
import { addScaledTo, dotProduct } from "./vectors.js";

/**
 * Solves non-negative least squares: finds the x ≥ 0 that minimises |A·x − b|, by the active-set
 * method of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23). The QR factors of
 * the active columns are updated instead of recomputed.
 * @param a m×p, entries of order 1
 * @param b m numbers of order 1
 * @throws Error if it does not end within 10·p changes of the active set
 */
export async function nnls(a: Matrix, b: Float64Array): Promise<Float64Array> {
  const x = new Float64Array(a.cols);
  const active = new ActiveColumns();
  // Columns that look useful only because of rounding, until the residual has changed.
  const rejected = new Set<number>();
  const pace = createPacer();
  let residual = b;
  for (let change = 0; change < 10 * a.cols; change++) {
    await pace();
    const entering = findSteepest(a, residual, new Set([...active.columns, ...rejected]));
    if (entering === undefined) return x;
    if (active.add(entering, a.column(entering))) moveInside(x, active, b);
    if (x[entering] === 0) {
      rejected.add(entering);
      continue;
    }
    rejected.clear();
    residual = computeResidual(a, x, b);
  }
  throw new Error(`nnls: no end after ${10 * a.cols} changes of the active set`);
}

/**
 * Moves to the minimiser over the active columns. Columns that would turn negative on the way leave
 * the set.
 */
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

/**
 * Finds the column along which the residual falls fastest; undefined if it falls along none, up to
 * rounding.
 */
function findSteepest(
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

function computeResidual(a: Matrix, x: Float64Array, b: Float64Array): Float64Array {
  const residual = b.slice();
  x.forEach((value, j) => {
    if (value !== 0) addScaledTo(residual, -value, a.column(j));
  });
  return residual;
}
