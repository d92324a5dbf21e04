import assert from "node:assert/strict";
import {
  gramNT,
  Matrix,
  median,
  multiply,
  stream,
  sum,
  symmetricEigen,
  thinSvd,
  type Stream,
  at,
} from "@fedclair/linalg";
import { computeBestF, computeCorrelations, matchEdges, computeRelativeError } from "./edges.js";
import { drawGraph, type GraphModel } from "./graphs.js";
import { packStrict } from "./packing.js";
import { computeDelta, toUnitNorm } from "./problem.js";
import { solveRLogSpecT } from "./rlogspect.js";
import { computeFilter, type Filter } from "./signals.js";

const er: GraphModel = { model: "erdos-renyi", probability: 0.2 };
const ba: GraphModel = { model: "barabasi-albert", attachments: 2 };
const nodes = 20;
/** Enough to tell an edge from none, in the time of a test. */
const effort = { tolerance: 1e-3, maxIterations: 2500 };

/**
 * Computes the covariance of n Gaussian signals H·z without drawing them: H·A·Aᵀ·H/n with
 * Bartlett's A, which is lower triangular with A_ii² ~ χ² of n − i degrees of freedom and A_ij ~
 * N(0, 1).
 */
function wishart(shape: Matrix, n: number, rng: Stream): Matrix {
  const a = new Matrix(nodes, nodes);
  for (let i = 0; i < nodes; i++) {
    a.data[i * (nodes + 1)] = Math.sqrt(2 * rng.gamma((n - i) / 2));
    for (let j = 0; j < i; j++) a.data[i + j * nodes] = rng.normal();
  }
  return gramNT(multiply(shape, a)).scale(1 / n);
}

/** Learns a random graph from signals, and returns everything that a test needs. */
async function recover(graph: GraphModel, filter: Filter, n: number, seed: number) {
  const rng = stream("recovery").at(filter, n, seed);
  const adjacency = drawGraph(graph, nodes, rng.at("graph"));
  const truth = packStrict(adjacency);
  const covariance = toUnitNorm(wishart(computeFilter(adjacency, filter), n, rng.at("signals")));
  const problem = { covariance, delta: computeDelta(0.003, n), alpha: 1 };
  const weights = packStrict((await solveRLogSpecT(problem, effort)).graph);
  return {
    f: matchEdges(weights, truth, 0.3).f,
    correlationBestF: computeBestF(computeCorrelations(covariance), truth),
  };
}

const measured = new Map<string, Promise<{ f: number; correlationBestF: number }>>();

/** Means over ten graphs, computed once. */
function meansOf(graph: GraphModel, filter: Filter, n: number) {
  const key = JSON.stringify([graph, filter, n]);
  const means = measured.get(key) ?? meansOver(10, graph, filter, n);
  measured.set(key, means);
  return means;
}

async function meansOver(graphs: number, graph: GraphModel, filter: Filter, n: number) {
  const all = [];
  for (let seed = 0; seed < graphs; seed++) all.push(await recover(graph, filter, n, seed));
  return {
    f: sum(all.map(({ f }) => f)) / graphs,
    correlationBestF: sum(all.map((x) => x.correlationBestF)) / graphs,
  };
}

function atLeast(value: number, least: number): void {
  assert.ok(value >= least, `${value} is below ${least}`);
}

describe("recovery of graphs of 20 nodes, c0 = 0.003, edges above 0.3", () => {
  const rows: [string, GraphModel, Filter, number, number][] = [
    ["BA lowpass", ba, "lowpass", 1e4, 0.97],
    ["BA lowpass", ba, "lowpass", 1e3, 0.87],
    ["ER lowpass", er, "lowpass", 1e4, 0.9],
    ["ER lowpass", er, "lowpass", 1e5, 0.97],
    ["BA quadratic", ba, "quadratic", 1e4, 0.92],
    ["ER quadratic", er, "quadratic", 1e4, 0.62],
  ];
  for (const [name, graph, filter, n, least] of rows) {
    it(`${name}, n = ${n}: F ≥ ${least}`, async () => {
      atLeast((await meansOf(graph, filter, n)).f, least);
    });
  }

  for (const [name, graph] of [
    ["BA", ba],
    ["ER", er],
  ] as const) {
    for (const filter of ["lowpass", "quadratic"] as const) {
      it(`${name} ${filter}: F at n = 10 000 is above F at 100 by ≥ 0.15`, async () => {
        const [few, many] = [await meansOf(graph, filter, 100), await meansOf(graph, filter, 1e4)];
        atLeast(many.f - few.f, 0.15);
      });
    }
    it(`${name} quadratic, n = 10 000: F is above the best F of correlations by ≥ 0.15`, async () => {
      const { f, correlationBestF } = await meansOf(graph, "quadratic", 1e4);
      atLeast(f - correlationBestF, 0.15);
    });
  }
});

describe("recovery from the exact covariance of the low-pass filter, δ = 1e-5", () => {
  for (const [name, graph, most] of [
    ["BA", ba, 0.06],
    ["ER", er, 0.03],
  ] as const) {
    it(`${name}: six identifiable graphs, F = 1, median error of the weights ≤ ${most}`, async () => {
      const errors: number[] = [];
      for (let seed = 0; errors.length < 6; seed++) {
        const adjacency = drawGraph(graph, nodes, stream("exact").at(name, seed));
        if (!isIdentifiable(adjacency)) continue;
        const shape = computeFilter(adjacency, "lowpass");
        const problem = { covariance: toUnitNorm(gramNT(shape)), delta: 1e-5, alpha: 1 };
        const { graph: s } = await solveRLogSpecT(problem, {
          tolerance: 1e-4,
          maxIterations: 8000,
        });
        assert.equal(matchEdges(packStrict(s), packStrict(adjacency), 0.3).f, 1);
        errors.push(computeRelativeError(s, adjacency));
      }
      assert.ok(median(errors) <= most, String(errors));
    });
  }
});

/**
 * Checks whether the spectrum determines the graph up to scale: eigenvalues are ≥ 1e-3 apart, and
 * U∘U has nullity 1, so that all commuting matrices of zero diagonal are multiples of the graph.
 */
function isIdentifiable(adjacency: Matrix): boolean {
  const { values, vectors } = symmetricEigen(adjacency);
  const apart = values.every((value, i) => i === 0 || at(values, i - 1) - value >= 1e-3);
  const squares = new Matrix(
    nodes,
    nodes,
    vectors.data.map((x) => x * x),
  );
  const singular = thinSvd(squares).s;
  return apart && at(singular, nodes - 2) > 1e-6;
}
