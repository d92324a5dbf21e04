import { Matrix, sum, item } from "@fedclair/linalg";
import { squaredDistances } from "./metrics.js";
import { optimalTransport } from "./optimal-transport.js";

/*
 * The control problem on finitely many states: an action chooses the next point, and a step from
 * s_i to s_j costs (H/2)|s_j - s_i|². It can be solved exactly, which makes it a test bed for the
 * theory.
 */

/** Values by time and state: H + 1 rows of m numbers. */
export type ValueTable = readonly Float64Array[];

/**
 * Computes (H/2)|s_j - s_i|², m×m.
 * @param points m×d
 */
export function stepCosts(points: Matrix, horizon: number): Matrix {
  return squaredDistances(points, points).scale(horizon / 2);
}

/**
 * Runs Bellman's recursion V_h[i] = min_j c[i][j] + V_{h+1}[j] backwards from the last values.
 * @param last V_H, m numbers
 */
export function bellman(costs: Matrix, last: ArrayLike<number>, horizon: number): ValueTable {
  const tables = [Float64Array.from(last)];
  for (let h = 0; h < horizon; h++) {
    const [next = new Float64Array()] = tables;
    // The costs are symmetric, so a column equals a row.
    tables.unshift(
      next.map((_, i) =>
        costs.column(i).reduce((least, c, j) => Math.min(least, c + item(next, j)), Infinity),
      ),
    );
  }
  return tables;
}

/**
 * Returns the largest excess of V_h[i] over c[i][j] + V_{h+1}[j]. It is at most 0 for a table that
 * is feasible for the dual LP.
 */
export function dualViolation(costs: Matrix, table: ValueTable): number {
  let worst = -Infinity;
  table.slice(1).forEach((next, h) => {
    table[h]?.forEach((value, i) => {
      costs.column(i).forEach((c, j) => {
        worst = Math.max(worst, value - c - item(next, j));
      });
    });
  });
  return worst;
}

/** Computes ⟨src, V_0⟩ - ⟨tgt, V_H⟩. */
export function dualValue(
  table: ValueTable,
  src: ArrayLike<number>,
  tgt: ArrayLike<number>,
): number {
  return inner(src, table[0] ?? []) - inner(tgt, table.at(-1) ?? []);
}

/**
 * Solves the LP. H steps along cheapest paths form a single transport problem, and minus its column
 * prices are the optimal V_H.
 * @param points m×d
 * @param src m masses
 * @param tgt m masses with the same sum
 */
export async function solveFiniteStates(
  points: Matrix,
  src: ArrayLike<number>,
  tgt: ArrayLike<number>,
  horizon: number,
): Promise<{ readonly value: number; readonly table: ValueTable }> {
  const costs = stepCosts(points, horizon);
  const pathCosts = new Matrix(points.rows, points.rows);
  for (let j = 0; j < points.rows; j++) {
    // The cheapest paths from all states to j are the values for a last table that is 0 at j and
    // infinite elsewhere.
    const last = Float64Array.from({ length: points.rows }, (_, i) => (i === j ? 0 : Infinity));
    pathCosts.column(j).set(bellman(costs, last, horizon)[0] ?? []);
  }
  const { cost, colPrices } = await optimalTransport(pathCosts, src, tgt);
  const prices = colPrices.map((price) => -price);
  return { value: cost, table: bellman(costs, prices, horizon) };
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return sum(Float64Array.from(a, (x, i) => x * item(b, i)));
}
