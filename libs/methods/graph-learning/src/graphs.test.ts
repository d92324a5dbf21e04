import assert from "node:assert/strict";
import { stream, sum, item } from "@fedclair/linalg";
import { computeBestF, computeCorrelations, matchEdges, computeRelativeError } from "./edges.js";
import { drawGraph } from "./graphs.js";
import { computeDegrees } from "./operators.js";
import { unpackStrict, unpackUpper } from "./packing.js";
import { computeFilter, drawCovariance } from "./signals.js";

describe("random graphs", () => {
  it("Barabási–Albert: m edges for every node after the seeds, hubs among the first", () => {
    const graph = drawGraph({ model: "barabasi-albert", attachments: 2 }, 30, stream("ba"));
    assert.equal(sum(graph.data), 2 * 2 * 28);
    const degrees = computeDegrees(graph);
    assert.ok(degrees.every((d, i) => d >= (i < 2 ? 1 : 2)));
    assert.ok(sum(degrees.subarray(0, 5)) > 2 * sum(degrees.subarray(25)));
  });

  it("Erdős–Rényi: each pair is an edge with the given probability, and no node is isolated", () => {
    let edges = 0;
    for (let seed = 0; seed < 50; seed++) {
      const graph = drawGraph({ model: "erdos-renyi", probability: 0.2 }, 20, stream(seed));
      assert.ok(computeDegrees(graph).every((d) => d > 0));
      edges += sum(graph.data) / 2;
    }
    // 9500 pairs, standard deviation 39; graphs with isolated nodes are rejected, which adds a few
    // edges.
    assert.ok(Math.abs(edges - 1900) < 160, String(edges));
    assert.throws(
      () => drawGraph({ model: "erdos-renyi", probability: 0.001 }, 20, stream(1)),
      /expected a larger probability than 0.001/,
    );
  });
});

describe("signals on a graph", () => {
  // A single edge has the eigenvalues ±1.
  const edge = unpackStrict([1]);

  it("pass the filters: on one edge exp(A/2) = [cosh ½, sinh ½], I + A + A² = [2, 1]", () => {
    const lowpass = computeFilter(edge, "lowpass");
    assert.ok(Math.abs(lowpass.get(0, 0) - Math.cosh(0.5)) < 1e-14);
    assert.ok(Math.abs(lowpass.get(0, 1) - Math.sinh(0.5)) < 1e-14);
    assert.ok(Math.abs(computeFilter(edge, "quadratic").get(0, 0) - 2) < 1e-14);
    assert.ok(Math.abs(computeFilter(edge, "highpass").get(0, 1) + Math.sinh(1)) < 1e-14);
  });

  it("have the covariance H²", async () => {
    const covariance = await drawCovariance(
      computeFilter(edge, "quadratic"),
      50_000,
      stream("signals"),
    );
    [5, 4, 5].forEach((expected, index) => {
      const got = item([covariance.get(0, 0), covariance.get(0, 1), covariance.get(1, 1)], index);
      assert.ok(Math.abs(got - expected) < 0.15, String(got));
    });
  });
});

describe("edges", () => {
  it("P = 2/3, R = 2/4 give F = 4/7", () => {
    const match = matchEdges([1, 0.9, 0.1, 0.2, 0.8, 0.3], [1, 1, 1, 1, 0, 0], 0.3);
    assert.deepEqual(match, { precision: 2 / 3, recall: 0.5, f: 4 / 7 });
    assert.equal(matchEdges([0, 0, 0], [1, 0, 0], 0.3).f, 0);
  });

  it("the best F is over thresholds and independent of scale", () => {
    assert.equal(computeBestF([1, 0.5, 0.2], [1, 1, 0]), 1);
    assert.equal(computeRelativeError(unpackStrict([3, 0, 3]), unpackStrict([1, 0, 1])), 0);
  });

  it("correlations are |C_ij|/√(C_ii·C_jj)", () => {
    assert.deepEqual([...computeCorrelations(unpackUpper([4, -3, 9]))], [0.5]);
  });
});
