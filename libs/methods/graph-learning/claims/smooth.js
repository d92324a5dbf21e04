// The model of smooth signals with a logarithm of the degrees (Kalofolias 2016), a rival.
import { norm } from "@fedclair/linalg";
import { computeDegrees, proxNegLog } from "../dist/src/operators.js";
import { listPairs, unpackStrict } from "../dist/src/packing.js";

const tolerance = 1e-6;
const maxIterations = 5000;

/**
 * Solves min Σ_ij W_ij·z_ij − Σ_i log d_i + (β/2)·‖W‖² over graphs W by forward, backward and
 * forward steps (Komodakis and Pesquet 2015), as the author's code does. z_ij is the mean squared
 * difference of the signals at two nodes.
 * @param {import("@fedclair/linalg").Matrix} c covariance
 * @param {number} beta above 0: larger values spread the weights
 */
export function learnSmooth(c, beta) {
  const pairs = [...listPairs(c.rows, 1)];
  const z = Float64Array.from(pairs, ([i, j]) => c.get(i, i) + c.get(j, j) - 2 * c.get(i, j));
  const degrees = (w) => computeDegrees(unpackStrict(w));
  const spread = (v) => Float64Array.from(pairs, ([i, j]) => v[i] + v[j]);
  // ‖degrees‖² is 2(N − 1); the smooth part has Lipschitz constant 2β.
  const step = 0.9 / (2 * beta + Math.sqrt(2 * (c.rows - 1)));
  let w = new Float64Array(pairs.length);
  let v = new Float64Array(c.rows);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const slope = (at, dual) => spread(dual).map((x, e) => 2 * beta * at[e] + x);
    const own = slope(w, v);
    const y = w.map((x, e) => x - step * own[e]);
    const p = y.map((x, e) => Math.max(0, x - 2 * step * z[e]));
    const up = degrees(w).map((d, i) => v[i] + step * d);
    const q = proxNegLog(
      up.map((x) => x / step),
      1 / step,
    ).map((x, i) => up[i] - step * x);
    const next = slope(p, q);
    const moved = w.map((x, e) => x - y[e] + p[e] - step * next[e]);
    const turned = degrees(p).map((d, i) => v[i] - up[i] + q[i] + step * d);
    const change = norm(moved.map((x, e) => x - w[e])) / Math.max(norm(w), 1e-300);
    [w, v] = [moved, turned];
    if (iteration > 0 && change < tolerance) break;
  }
  return w.map((x) => Math.max(x, 0));
}
