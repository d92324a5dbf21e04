// The condition under which rSpecT is infeasible, what identifies a graph, and the propositions.
import {
  gramNT,
  Matrix,
  subtract,
  sum,
  symmetricEigen,
  symmetricEigenvalues,
} from "@fedclair/linalg";
import { computeCommutator, computeDegrees } from "../dist/src/operators.js";
import { listPairs, packStrict } from "../dist/src/packing.js";
import { computeDelta } from "../dist/src/problem.js";
import { solveRLogSpecT } from "../dist/src/rlogspect.js";
import { computeFeasibility } from "../dist/src/rspect.js";
import { drawProblem, drawTruth, filters, graphModels } from "./problems.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const allSignals = [100, 10_000, Infinity];
/** Slacks of the table, as multiples of √(log n/n). */
export const slacks = [0.001, 0.003, 0.01, 0.03];
/** Below it a commutator is one of rounding errors: ‖C‖₂ is 1. */
const rounding = 1e-9;
const limits = { tolerance: 1e-5, maxIterations: 2000 };

/**
 * Measures twenty nodes of every graph model, filter and number of signals.
 * @param {string} _ the folder of the runs
 * @returns {Promise<Run[]>} with `part` as a label: `condition`, `identified` or `propositions`
 */
export async function measure(_, { seeds = 10, wants }) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const graph of Object.keys(graphModels)) {
      const truth = drawTruth(seed, { graph });
      for (const filter of filters) {
        const add = async (labels, work) => {
          const all = { graph, filter, ...labels };
          if (wants(all)) runs.push({ seed, labels: all, measures: await work() });
        };
        for (const signals of allSignals) {
          const covariance = await drawProblem(seed, truth, filter, signals);
          await add({ part: "condition", signals: String(signals) }, () =>
            testCondition(covariance, signals),
          );
        }
        // Filters have the eigenvectors of the graph in common.
        if (filter !== "lowpass") continue;
        const exact = await drawProblem(seed, truth, filter, Infinity);
        await add({ part: "identified" }, () => identify(exact));
        const covariance = await drawProblem(seed, truth, filter, 10_000);
        await add({ part: "propositions" }, () => testPropositions(covariance, 10_000));
      }
    }
  }
  return runs;
}

/**
 * Tests whether the system comm(C, S) = 0, Σ_j S_1j = 1, S ≥ 0 lacks a solution. By Farkas' lemma
 * it does if and only if a skew Y proves a positive bound of the commutator.
 */
async function testCondition(covariance, signals) {
  const { deltaMin, bound, slack } = await computeFeasibility(covariance);
  const isProven = bound > rounding && slack > -1e-3 * bound;
  const rate = signals === Infinity ? NaN : computeDelta(1, signals);
  const infeasible = slacks.map((c0) => [`infeasible.${c0}`, c0 * rate < deltaMin ? 1 : 0]);
  return {
    condition: isProven ? 1 : 0,
    deltaMin,
    /** How far the least slack exceeds what is proven, relative. */
    excess: isProven ? deltaMin / bound - 1 : 0,
    ...(signals === Infinity ? {} : Object.fromEntries(infeasible)),
  };
}

/**
 * Counts what the true covariance leaves open: graphs that commute with it, without their signs.
 * One dimension means that the graph is identified up to its scale.
 */
function identify(covariance) {
  const { values } = symmetricEigen(covariance);
  const gaps = [...values].slice(1).map((value, k) => values[k] - value);
  const columns = [...listPairs(covariance.rows, 1)].map(([i, j]) => {
    const edge = new Matrix(covariance.rows, covariance.rows);
    edge.data[i + j * edge.rows] = edge.data[j + i * edge.rows] = 1;
    return [...packStrict(computeCommutator(covariance, edge))];
  });
  const spectrum = symmetricEigenvalues(gramNT(Matrix.fromRows(columns)));
  return {
    leastGap: Math.min(...gaps),
    distinct: Math.min(...gaps) > 1e-8 ? 1 : 0,
    dimensions: spectrum.filter((value) => value < 1e-14).length,
  };
}

/** Tests that α only scales graphs, and that no node is isolated. */
async function testPropositions(covariance, signals) {
  const delta = computeDelta(0.03, signals);
  const at = async (alpha) =>
    (await solveRLogSpecT({ covariance, delta: alpha * delta, alpha }, limits)).graph;
  const unit = await at(1);
  const scaled = [await at(0.1), await at(10)].map((graph, k) => graph.scale([10, 0.1][k]));
  const error = (graph) => Math.max(...subtract(graph, unit).data.map(Math.abs));
  return {
    scaling: Math.max(...scaled.map(error)) / Math.max(...unit.data),
    leastDegree: leastDegree(unit),
  };
}

/** The least degree over the mean one. */
function leastDegree(graph) {
  const degrees = computeDegrees(graph);
  return (Math.min(...degrees) * degrees.length) / sum(degrees);
}
