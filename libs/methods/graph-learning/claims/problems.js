// Problems of the page's modules: random graphs of the task, and covariances of their signals.
import { multiplyNT, stream } from "@fedclair/linalg";
import { drawGraph } from "../dist/src/graphs.js";
import { toUnitNorm } from "../dist/src/problem.js";
import { computeFilter, drawCovariance } from "../dist/src/signals.js";

/** Graph models by the names of the tables. */
export const graphModels = {
  "Barabási–Albert": { model: "barabasi-albert", attachments: 2 },
  "Erdős–Rényi": { model: "erdos-renyi", probability: 0.2 },
};
export const filters = ["lowpass", "quadratic", "highpass"];

/** Draws the graph that the task draws for the same `dataSeed`. */
export function drawTruth(seed, { graph = "Barabási–Albert", nodes = 20 } = {}) {
  return drawGraph(graphModels[graph], nodes, stream(seed).at("graph"));
}

/**
 * Draws the covariance of signals on a graph, of spectral norm 1.
 * @param {number} signals Infinity for the true covariance
 */
export async function drawProblem(seed, truth, filter, signals) {
  const shape = computeFilter(truth, filter);
  if (signals === Infinity) return toUnitNorm(multiplyNT(shape, shape));
  return toUnitNorm(
    await drawCovariance(shape, signals, stream(seed).at("models", filter, signals)),
  );
}
