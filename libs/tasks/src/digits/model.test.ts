import assert from "node:assert/strict";
import { stream, item, at32 } from "@fedclair/linalg";
import { AdaptedLayer } from "./lora.js";
import { countRight, crossEntropy, forward, type Layer } from "./model.js";

const rng = stream("digits model test");
const labels = Int32Array.of(0, 2, 1);

function layer(inputs: number, outputs: number, key: string): Layer {
  const weights = Float32Array.from(rng.at(key).normals(outputs * (inputs + 1)));
  return { inputs, outputs, weights };
}

/** 3×4, zeros among them. */
const x = Float32Array.from(rng.at("x").normals(12), (value, i) => (i % 3 === 0 ? 0 : value));

function lossOf(layers: readonly Layer[]): number {
  return crossEntropy(forward(layers, x).logits, labels).loss;
}

function gradientsOf(layers: readonly Layer[]): Float32Array[] {
  const { logits, back } = forward(layers, x);
  return back(crossEntropy(logits, labels).gradient);
}

describe("the perceptron of digits", () => {
  it("multiplies, adds the bias of the last column and cuts below 0", () => {
    const hidden = { inputs: 2, outputs: 2, weights: Float32Array.of(1, 2, 3, -1, 0, 0) };
    const output = { inputs: 2, outputs: 1, weights: Float32Array.of(10, 100, 1) };
    // [1, 2]: 1 + 4 + 3 = 8 and -1, which becomes 0; 80 + 1.
    assert.deepEqual([...forward([hidden, output], Float32Array.of(1, 2)).logits], [81]);
    assert.deepEqual([...forward([hidden], Float32Array.of(1, 2)).logits], [8, -1]);
  });

  it("has the gradient of its differences, in every layer", () => {
    const layers = [layer(4, 5, "hidden"), layer(5, 3, "output")];
    const gradients = gradientsOf(layers);
    layers.forEach(({ weights }, l) => {
      weights.forEach((value, i) => {
        const lossAt = (entry: number) => {
          weights[i] = entry;
          return lossOf(layers);
        };
        const difference = (lossAt(value + 1e-2) - lossAt(value - 1e-2)) / 2e-2;
        weights[i] = value;
        const gradient = at32(item(gradients, l), i);
        assert.ok(Math.abs(gradient - difference) < 1e-3, `${l}, ${i}: ${gradient} ${difference}`);
      });
    });
  });

  it("has a cross-entropy of ln 3 where it knows nothing, also at huge logits", () => {
    const { loss, gradient } = crossEntropy(new Float32Array(3), Int32Array.of(1));
    assert.ok(Math.abs(loss - Math.log(3)) < 1e-12);
    assert.ok(Math.abs(at32(gradient, 1) + 2 / 3) < 1e-7);
    assert.equal(crossEntropy(Float32Array.of(1000, 0, 0), Int32Array.of(1)).loss, 1000);
  });

  it("counts the digits whose largest logit is at their label", () => {
    assert.equal(countRight(Float32Array.of(1, 2, 0, 5, 4, 3), Int32Array.of(1, 2)), 1);
  });
});

describe("a layer with an adapter", () => {
  const base = layer(4, 3, "base");

  it("begins as the layer itself, whatever the common stream draws", () => {
    const adapted = new AdaptedLayer(base, 2, rng.at("common"));
    assert.deepEqual(adapted.layer(), base);
  });

  it("changes by B·A, and each factor by its gradient", () => {
    const adapted = new AdaptedLayer(base, 2, rng.at("common"));
    // After one step B is not 0, so that the second one moves A too.
    adapted.step(gradientsOf([adapted.layer()])[0] ?? new Float32Array(), 0.1);
    const { a, b } = copyOf(adapted);
    const current = adapted.layer();
    const gradient = gradientsOf([current])[0] ?? new Float32Array();
    const product = (j: number, i: number) =>
      item(b, 2 * j) * item(a, i) + item(b, 2 * j + 1) * item(a, 5 + i);
    current.weights.forEach((value, index) => {
      const expected = at32(base.weights, index) + product(Math.floor(index / 5), index % 5);
      assert.ok(Math.abs(value - expected) < 1e-6);
    });
    adapted.step(gradient, 0.1);
    const next = copyOf(adapted);
    // dB₀₀ = Σ dW₀ᵢ·A₀ᵢ and dA₀₀ = Σ Bⱼ₀·dWⱼ₀
    const db = [0, 1, 2, 3, 4].reduce((sum, i) => sum + at32(gradient, i) * item(a, i), 0);
    const da = [0, 1, 2].reduce((sum, j) => sum + item(b, 2 * j) * at32(gradient, 5 * j), 0);
    assert.ok(Math.abs(item(next.b, 0) - (item(b, 0) - 0.1 * db)) < 1e-6);
    assert.ok(Math.abs(item(next.a, 0) - (item(a, 0) - 0.1 * da)) < 1e-6);
  });

  function copyOf(adapted: AdaptedLayer) {
    const { a, b } = adapted.update();
    assert.deepEqual(
      [b.shape, a.shape],
      [
        [3, 2],
        [2, 5],
      ],
    );
    return { a: a.data.slice(), b: b.data.slice() };
  }
});
