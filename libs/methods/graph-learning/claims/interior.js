// An interior-point method for rLogSpecT in the language of L-ADMM: a Newton step needs a Cholesky
// factor with a row for each of the N(N − 1)/2 pairs.
import { cholesky, choleskySolve, Matrix, multiply, multiplyTN } from "@fedclair/linalg";
import { computeCommutator } from "../dist/src/operators.js";
import { listPairs, packStrict } from "../dist/src/packing.js";

/** Factors of the gap that a step aims at, after a long and after a short step. */
const [reduction, centring] = [0.1, 0.5];
/** How far a step goes on its way to the nearest bound. */
const inside = 0.99;
/** Largest residual of a solution, as for Clarabel. */
const feasibility = 1e-6;

/**
 * Prepares ‖comm(C, S)/δ‖² = xᵀGx of the pairs' weights x. It is not part of the time, like the
 * cones of Clarabel.
 */
export function prepare({ covariance, delta }) {
  const n = covariance.rows;
  const pairs = [...listPairs(n, 1)];
  const commutators = new Matrix(pairs.length, pairs.length);
  for (const [e, [i, j]] of pairs.entries()) {
    const edge = new Matrix(n, n);
    edge.data[i + j * n] = edge.data[j + i * n] = Math.SQRT2 / delta;
    commutators.column(e).set(packStrict(computeCommutator(covariance, edge)));
  }
  return { n, pairs, g: multiplyTN(commutators, commutators) };
}

/**
 * Solves min 2·Σx − Σ log d_i + (weight/2)·xᵀGx, x ≥ 0, by primal-dual steps (Boyd and
 * Vandenberghe, Convex Optimization, 11.7).
 * @param {number} weight the multiplier of the ball xᵀGx ≤ 1. With the optimal one the solution is
 * that in the ball; a solver that has to find it takes longer
 * @param {{ tolerance: number, maxIterations: number }} limits relative gap at which it ends
 */
export function solveInterior({ n, pairs, g }, weight, { tolerance, maxIterations }) {
  const p = pairs.length;
  const inner = (a, b) => a.reduce((sum, value, e) => sum + value * b[e], 0);
  let x = new Float64Array(p).fill(1 / (n - 1));
  let z = new Float64Array(p).fill(1);
  let length = 1;
  for (let iteration = 0; ; iteration++) {
    const d = new Float64Array(n);
    for (const [e, [i, j]] of pairs.entries()) {
      d[i] += x[e];
      d[j] += x[e];
    }
    const pull = multiply(g, new Matrix(p, 1, x)).data.map((value) => weight * value);
    const slope = pull.map((value, e) => 2 + value - 1 / d[pairs[e][0]] - 1 / d[pairs[e][1]]);
    const objective = d.reduce((sum, value) => sum + value - Math.log(value), 0);
    const gap = inner(x, z);
    const residual = Math.max(...slope.map((value, e) => Math.abs(value - z[e])));
    const isDone = gap <= tolerance * Math.max(1, Math.abs(objective)) && residual <= feasibility;
    if (isDone || iteration === maxIterations)
      return { iterations: iteration, objective, gap, isDone };
    const barrier = (gap / p) * (length > 0.5 ? reduction : centring);
    const right = slope.map((value, e) => barrier / x[e] - value);
    const factor = cholesky(hessian(d));
    const move = choleskySolve(factor, new Matrix(p, 1, right)).data;
    const turn = z.map((value, e) => barrier / x[e] - value - (value / x[e]) * move[e]);
    length = Math.min(1, inside * longest(x, move), inside * longest(z, turn));
    x = x.map((value, e) => value + length * move[e]);
    z = z.map((value, e) => value + length * turn[e]);
  }

  function hessian(d) {
    const h = g.scale(weight);
    const bend = d.map((value) => 1 / value ** 2);
    for (let b = 0; b < p; b++) {
      const [k, l] = pairs[b];
      const column = h.column(b);
      for (let a = 0; a <= b; a++) {
        const [i, j] = pairs[a];
        if (i === k || i === l) column[a] += bend[i];
        if (j === k || j === l) column[a] += bend[j];
      }
      column[b] += z[b] / x[b];
    }
    return h;
  }
}

/** The largest length of a step that leaves all values non-negative. */
function longest(values, steps) {
  return Math.min(...Array.from(steps, (step, e) => (step < 0 ? -values[e] / step : Infinity)));
}
