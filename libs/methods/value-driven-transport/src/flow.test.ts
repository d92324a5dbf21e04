import assert from "node:assert/strict";
import { at, Matrix, stream } from "@fedclair/linalg";
import { addBridgeNoise, flowGradient } from "./flow.js";
import { makeYardstick, measureTransport } from "./measure.js";
import { byModule, initialNetwork, inputsOf, outputsOf } from "./network.js";
import { assignExactly } from "./optimal-transport.js";
import { drawSample } from "./points.js";
import { sinkhorn } from "./sinkhorn.js";
import { guidedGradient } from "./sampling.js";
import { canonical, canonicalHidden, trainCentrally } from "./training.js";

const rng = stream("flows");

describe("flow matching", () => {
  const network = initialNetwork(3, 5, rng.at("network"), 2);
  const sources = new Matrix(4, 2, rng.at("sources").normals(8));
  const targets = new Matrix(4, 2, rng.at("targets").normals(8));

  it("descends the mean squared distance of velocity and move", async () => {
    const gradient = await flowGradient(
      network,
      { method: "flow-matching", sigma: 1 },
      sources,
      targets,
      [],
      rng.at("times"),
    );
    const times = rng.at("times");
    const at4 = Array.from({ length: 4 }, () => times.uniform());
    const loss = (moved: typeof network) => {
      let total = 0;
      for (let j = 0; j < 4; j++) {
        const t = at4[j] ?? NaN;
        const point = [0, 1].map((c) => (1 - t) * sources.get(j, c) + t * targets.get(j, c));
        const v = outputsOf(moved, inputsOf(Matrix.fromRows([point]), t));
        for (const c of [0, 1]) {
          total += (v.get(0, c) - (targets.get(j, c) - sources.get(j, c))) ** 2 / 4;
        }
      }
      return total;
    };
    byModule((name) => {
      network[name].data.forEach((_, i) => {
        const shift = (by: number) => {
          const matrix = network[name].copy();
          matrix.data[i] = at(matrix.data, i) + by;
          return loss({ ...network, [name]: matrix });
        };
        const slope = (shift(1e-5) - shift(-1e-5)) / 2e-5;
        assert.ok(Math.abs(at(gradient[name].data, i) - slope) < 1e-8, `${name} ${i}`);
      });
      return network[name];
    });
  });

  it("moves along the velocity", () => {
    const slope = guidedGradient(network, undefined, "flow-matching")(sources, 0.5);
    const v = outputsOf(network, inputsOf(sources, 0.5));
    assert.deepEqual(slope.data, v.scale(-1).data);
  });

  it("pairs a batch by optimal transport for ot-cfm", async () => {
    // Crossing costs 1 + 1 more than 0 + 0; the third source is next to the third target.
    const costs = Matrix.fromRows([
      [5, 0, 9],
      [0, 5, 9],
      [9, 9, 1],
    ]);
    assert.deepEqual([...(await assignExactly(costs))], [1, 0, 2]);
  });
});

describe("a Schrödinger bridge", () => {
  const ones = { normals: (count: number) => new Float64Array(count).fill(1) };

  it("leaves the line by σ√(t(1 − t)) and is led back or on, by the time", () => {
    const lines = { point: new Matrix(3, 1), moves: new Matrix(3, 1) };
    const { point, moves } = addBridgeNoise(lines, Float64Array.of(0.5, 0.2, 0.8), 2, ones);
    const expected = [1, 0.8, 0.8];
    // (1 − 2t)/(2t(1 − t)) is 0 halfway, 0.6/0.32 at 0.2 and its negative at 0.8.
    const back = [0, (0.6 / 0.32) * 0.8, (-0.6 / 0.32) * 0.8];
    point.data.forEach((x, i) => {
      assert.ok(Math.abs(x - (expected[i] ?? NaN)) < 1e-12);
      assert.ok(Math.abs(at(moves.data, i) - (back[i] ?? NaN)) < 1e-6);
    });
  });

  it("with little noise has nearly the gradient of ot-cfm", async () => {
    const network = initialNetwork(3, 5, rng.at("network"), 2);
    // Each target is one to the right of its source, and far from the others.
    const sources = Matrix.fromRows([[0, 0], [10, 0], [20, 0], [30, 0]]); // oxfmt-ignore
    const targets = Matrix.fromRows([[21, 0], [1, 0], [31, 0], [11, 0]]); // oxfmt-ignore
    const gradientOf = async (method: "flow-matching" | "ot-cfm" | "sb-cfm") =>
      (await flowGradient(network, { method, sigma: 0.05 }, sources, targets, [], rng.at("times")))
        .W3.data;
    const [plain, bridge] = [await gradientOf("ot-cfm"), await gradientOf("sb-cfm")];
    const [independent, size] = [
      await gradientOf("flow-matching"),
      Math.max(...plain.map(Math.abs)),
    ];
    const distance = (other: Float64Array) =>
      Math.max(...other.map((slope, i) => Math.abs(slope - at(plain, i))));
    assert.ok(distance(bridge) < 0.2 * size, `${distance(bridge)} of ${size}`);
    assert.ok(distance(independent) > size);
  });

  it("pairs by a plan that turns from the optimal one to an independent one", () => {
    const costs = Matrix.fromRows([
      [0, 1],
      [1, 0],
    ]);
    // By symmetry P is a on the diagonal and 1/2 − a beside it, with a/(1/2 − a) = exp(1/eps).
    const share = sinkhorn(costs, 0.5).get(0, 0);
    assert.ok(Math.abs(share / (0.5 - share) - Math.exp(2)) < 1e-4);
    assert.ok(Math.abs(sinkhorn(costs, 0.001).get(0, 0) - 0.5) < 1e-9);
    assert.ok(Math.abs(sinkhorn(costs, 1e6).get(0, 0) - 0.25) < 1e-6);
  });
});

describe("ot-cfm on eight modes", () => {
  it("has straighter paths than flow matching", async () => {
    const data = {
      target: drawSample("gaussians8", 2000, rng.at("target")),
      source: (count: number, own: typeof rng) => drawSample("normal", count, own).points,
    };
    const draw = (name: "normal" | "gaussians8", key: string) =>
      drawSample(name, 200, rng.at(key)).points;
    const yardstick = await makeYardstick(
      draw("normal", "starts"),
      draw("gaussians8", "targets"),
      draw("gaussians8", "others"),
    );
    const measure = async (method: "flow-matching" | "ot-cfm") => {
      const settings = { ...canonical, method };
      const start = initialNetwork(3, canonicalHidden, rng.at("init"), 2);
      const schedule = { steps: 300, learningRate: 1e-2 };
      const trained = await trainCentrally(start, data, settings, schedule, rng.at("train"));
      const { metrics } = await measureTransport(trained, yardstick, {
        horizon: 10,
        method,
        measureSteps: [10],
      });
      assert.equal(metrics["w2Steps.10"], metrics["w2"]);
      assert.equal(metrics["certificate"], undefined);
      return metrics;
    };
    const [plain, paired] = [await measure("flow-matching"), await measure("ot-cfm")];
    assert.ok((paired["w2"] ?? NaN) < 0.8, `${paired["w2"]}`);
    assert.ok((paired["straightness"] ?? NaN) < (plain["straightness"] ?? NaN));
    assert.ok((paired["oneStepW2"] ?? NaN) < (plain["oneStepW2"] ?? NaN));
  });
});
