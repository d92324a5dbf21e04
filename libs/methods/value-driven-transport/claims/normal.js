// Trains value-driven transport and flows between normal distributions whose optimal transport is
// known, in up to 256 dimensions.
import { Matrix, mean, multiply, multiplyTN, stream, thinQr } from "@fedclair/linalg";
import { GaussianTransport } from "../dist/src/gaussian.js";
import { displacement } from "../dist/src/metrics.js";
import { inputsOf, values } from "../dist/src/network.js";
import { trainPolicy } from "./train-policy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const budget = { steps: 400, learningRate: 1e-2 };
const counts = { data: 4000, evaluation: 400 };
/** Steps of the longer paths. */
const pathSteps = 20;
/** Dimensions and methods; the last one is value-driven transport of points that are not scaled. */
const cases = [2, 32, 256].flatMap((d) =>
  ["value", "flow-matching", "ot-cfm", ...(d > 2 ? ["unscaled"] : [])].map((method) => [d, method]),
);

/**
 * Settings of the task are for points of unit order. So points are divided by √(d/2), which leaves
 * the plane as it is and changes no quantity of a path that is relative to its length.
 * @param {string} _ the folder of the runs
 * @returns {Promise<Run[]>} with `target`, the dimensions, and `method` as labels; `fall` is how
 * far the learned V_0 falls along the optimal moves, over how far the optimal one does
 */
export async function measure(_, { seeds = 5, wants = () => true } = {}) {
  const runs = [];
  for (const [d, method] of cases) {
    const labels = { target: String(d), method };
    if (!wants(labels)) continue;
    for (let seed = 1; seed <= seeds; seed++)
      runs.push({ seed, labels, measures: await onNormal(seed, method, d) });
  }
  return runs;
}

/** Trains on a normal target with axes of lengths .5 to 1.5, and compares with the optimal map. */
async function onNormal(seed, method, d) {
  const rng = stream(seed).at("normal", d);
  const normals = (count, own) => new Matrix(count, d, own.normals(count * d));
  const { q } = thinQr(normals(d, rng.at("axes")));
  const root = q.copy();
  for (let c = 0; c < d; c++) root.column(c).set(q.column(c).map((x) => x * (0.5 + (c + 0.5) / d)));
  // The symmetric root Q·diag·Qᵀ maps the standard normal optimally.
  const symmetric = multiply(root, q.transpose());
  const move = new Matrix(1, d, new Float64Array(d).fill(1));
  const transport = new GaussianTransport(
    { mean: new Matrix(1, d), covariance: Matrix.identity(d) },
    { mean: move, covariance: multiplyTN(symmetric, symmetric) },
  );
  const scale = method === "unscaled" ? 1 : Math.sqrt(2 / d);
  const scaled = (points) => points.scale(scale);
  const data = {
    target: { points: scaled(transport.map(normals(counts.data, rng.at("data")))) },
    source: (count, own) => scaled(normals(count, own)),
  };
  const begin = performance.now();
  const trained = method === "unscaled" ? "value" : method;
  const { network, follow } = await trainPolicy(trained, data, d, budget, rng.at(trained));
  const milliseconds = (performance.now() - begin) / budget.steps;
  const points = normals(counts.evaluation, rng.at("starts"));
  const ends = transport.map(points);
  const [starts, best] = [points, ends].map(scaled);
  const error = (count) =>
    Math.sqrt(displacement(follow(starts, count).at(-1), best) / displacement(starts, best));
  const measures = { "error.1": error(1), "error.20": error(pathSteps), milliseconds };
  if (trained !== "value") return measures;
  const fall = (valuesAt, from, to) => mean(valuesAt(from)) - mean(valuesAt(to));
  const learned = fall((at) => values(network, inputsOf(at, 0)), starts, best);
  const optimal = scale ** 2 * fall((at) => transport.values(at, 0), points, ends);
  return { ...measures, fall: learned / optimal };
}
