import assert from "node:assert/strict";
import { Floats } from "@fedclair/compute";
import { readNumbers, type LowRank, type Params } from "@fedclair/core";
import { stream, item, at32 } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import { AdaptedLayer, createAdaptedNetwork } from "./lora.js";
import {
  classCrossEntropy,
  countRight,
  meanSquaredError,
  openPerceptron,
  readPerceptron,
} from "./model.js";

const rng = stream("digits model test");
const labels = Int32Array.of(0, 2, 1);

function module(inputs: number, outputs: number, key: string) {
  const data = Float32Array.from(rng.at(key).normals(outputs * (inputs + 1)));
  return { shape: [outputs, inputs + 1], data };
}

/** 3×4, with some zeros. */
const x = Float32Array.from(rng.at("x").normals(12), (value, i) => (i % 3 === 0 ? 0 : value));

function computeEntropy(network: Network) {
  network.input.write(x);
  return classCrossEntropy(network.forward(3), labels);
}

/** Asserts that the gradient of every trained number agrees with finite differences of the loss. */
function assertGradients(network: Network, { step, error }: { step: number; error: number }): void {
  network.back(computeEntropy(network).gradient, 3);
  for (const { weights, gradient } of network.trained) {
    const values = weights.read();
    gradient.read().forEach((slope, i) => {
      const lossAt = (by: number) => {
        weights.write(values.with(i, at32(values, i) + by));
        return computeEntropy(network).loss;
      };
      const difference = (lossAt(step) - lossAt(-step)) / (2 * step);
      weights.write(values);
      assert.ok(Math.abs(slope - difference) < error, `${i}: ${slope} ${difference}`);
    });
  }
}

describe("the perceptron", () => {
  it("multiplies, adds the bias of the last column and cuts below 0", () => {
    const hidden = { shape: [2, 3], data: Float32Array.of(1, 2, 3, -1, 0, 0) };
    const output = { shape: [1, 3], data: Float32Array.of(10, 100, 1) };
    const outputs = (params: Params) => {
      const network = openPerceptron(params, 1);
      network.input.write([1, 2]);
      const logits = network.forward(1);
      network.release();
      return [...logits];
    };
    // [1, 2]: 1 + 4 + 3 = 8 and -1, which becomes 0; 80 + 1.
    assert.deepEqual(outputs(new Map(Object.entries({ hidden, output }))), [81]);
    assert.deepEqual(outputs(new Map([["output", hidden]])), [8, -1]);
  });

  it("returns the params that it was created from, and has a gradient that agrees with differences", () => {
    const params = new Map([
      ["hidden", module(4, 5, "hidden")],
      ["output", module(5, 3, "output")],
    ]);
    const network = openPerceptron(params, 3);
    assert.deepEqual(readPerceptron(network, params), params);
    assertGradients(network, { step: 1e-2, error: 1e-3 });
    network.release();
  });

  it("has a cross-entropy of ln 3 for equal logits, and is exact for huge ones", () => {
    const { loss, gradient } = classCrossEntropy(new Float32Array(3), Int32Array.of(1));
    assert.ok(Math.abs(loss - Math.log(3)) < 1e-12);
    assert.ok(Math.abs(at32(gradient, 1) + 2 / 3) < 1e-7);
    assert.equal(classCrossEntropy(Float32Array.of(1000, 0, 0), Int32Array.of(1)).loss, 1000);
  });

  it("has a mean squared error whose gradient agrees with differences", () => {
    const [predicted, outputs] = [Float32Array.of(1, -2, 3, 0), Float32Array.of(1, 0, 2, 0)];
    const { loss, gradient } = meanSquaredError(predicted, outputs);
    assert.equal(loss, 5 / 4);
    assert.deepEqual([...gradient], [0, -1, 0.5, 0]);
  });

  it("counts the examples whose largest logit is at their label", () => {
    assert.equal(countRight(Float32Array.of(1, 2, 0, 5, 4, 3), Int32Array.of(1, 2)), 1);
  });
});

describe("a layer with an adapter", () => {
  const base = module(4, 3, "base");

  /**
   * Applies the layer to the unit vectors and to 0. Returns the columns of W + B·A, with the bias
   * last.
   */
  function multiplyOut(layer: AdaptedLayer): number[][] {
    const input = new Floats(5, 4).write(
      [...new Float32Array(16)].map((_, i) => Number(i % 5 === 0)),
    );
    const output = new Floats(5, 3);
    layer.forward(input, output, 5);
    const rows = [0, 1, 2, 3, 4].map((row) => [...output.read().slice(3 * row, 3 * row + 3)]);
    input.release();
    output.release();
    const bias = item(rows, 4);
    return rows.map((row, i) => (i === 4 ? row : row.map((value, j) => value - item(bias, j))));
  }

  it("starts as the plain layer, for any draws of the common stream", () => {
    const layer = new AdaptedLayer(base, 2, rng.at("common"), 5);
    multiplyOut(layer).forEach((column, i) => {
      column.forEach((value, j) => {
        assert.ok(Math.abs(value - at32(base.data, 5 * j + i)) < 1e-6);
      });
    });
    layer.release();
  });

  it("computes with W + B·A, and the gradients of B and A agree with differences", () => {
    const params = new Map([
      ["hidden", module(4, 5, "hidden")],
      ["output", module(5, 3, "output")],
    ]);
    const { network, adapters } = createAdaptedNetwork(params, 2, rng.at("common"), 3);
    // B is no longer 0, so that A has a gradient too.
    for (const { weights } of network.trained) {
      weights.write(
        rng.at("factors", weights.rows, weights.columns).normals(weights.rows * weights.columns),
      );
    }
    const plain = openPerceptron(
      new Map([...adapters].map(([name, one]) => [name, sum(params, name, one.update())])),
      3,
    );
    assert.ok(Math.abs(computeEntropy(network).loss - computeEntropy(plain).loss) < 1e-5);
    assertGradients(network, { step: 2e-3, error: 5e-3 });
    network.release();
    plain.release();
  });

  function sum(params: Params, name: string, { b, a }: LowRank) {
    const { shape, data } = params.get(name) ?? { shape: [], data: new Float32Array() };
    const [, width = 0] = shape;
    const product = (i: number) =>
      [0, 1].reduce(
        (total, r) =>
          total +
          item(readNumbers(b), 2 * Math.floor(i / width) + r) *
            item(readNumbers(a), r * width + (i % width)),
        0,
      );
    return { shape, data: Float32Array.from(data, (value, i) => value + product(i)) };
  }
});
