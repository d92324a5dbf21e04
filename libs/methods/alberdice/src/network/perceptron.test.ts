import { unreleasedFloats } from "@fedclair/compute";
import { stream, at } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { gradientOf, initialWeights, Learner, outputsOf, type Perceptron } from "./perceptron.js";

const perceptron: Perceptron = [
  { inputs: 3, outputs: 4, hasBias: true },
  { inputs: 4, outputs: 4, hasBias: true },
  { inputs: 4, outputs: 2, hasBias: false },
];
const x = Float32Array.from(stream("x").normals(5 * 3));

describe("perceptron", () => {
  it("matches a computation by hand", () => {
    const tiny: Perceptron = [
      { inputs: 2, outputs: 2, hasBias: true },
      { inputs: 2, outputs: 1, hasBias: true },
    ];
    // Hidden units x0 + 2·x1 + 1 and -x0 + x1; output 3·h0 - 5·h1 + 0.5.
    const weights = Float32Array.of(1, -1, 2, 1, 1, 0, 3, -5, 0.5);
    const inputs = Float32Array.of(1, 0, 0, 1);
    assert.deepEqual([...outputsOf(tiny, weights, inputs)], [6.5, 4.5]);
  });

  it("has a gradient that agrees with finite differences", () => {
    const weights = initialWeights(perceptron, stream("weights"));
    const slopes = stream("slopes").normals(5 * 2);
    const loss = (w: Float32Array) =>
      outputsOf(perceptron, w, x).reduce((sum, y, k) => sum + y * at(slopes, k), 0);
    const gradient = gradientOf(perceptron, weights, x, slopes);
    assert.equal(gradient.length, weights.length);
    const h = 1e-3; // small, because a unit must not switch on or off in between
    gradient.forEach((slope, i) => {
      const computeShiftedLoss = (by: number) =>
        loss(weights.map((w, j) => (i === j ? w + by : w)));
      const difference = (computeShiftedLoss(h) - computeShiftedLoss(-h)) / (2 * h);
      assert.ok(Math.abs(slope - difference) < 2e-3, `${i}: ${slope}, differences ${difference}`);
    });
  });

  it("draws initial weights within the bounds, those of the last layer within its own", () => {
    const weights = initialWeights(perceptron, stream("bounds"), 1e-3);
    assert.ok(weights.slice(0, 16).every((w) => Math.abs(w) <= 1 / Math.sqrt(3)));
    assert.ok(weights.slice(-8).every((w) => w !== 0 && Math.abs(w) <= 1e-3));
    const biased = perceptron.with(2, { inputs: 4, outputs: 2, hasBias: true });
    assert.deepEqual([...initialWeights(biased, stream("bounds"), 1e-3).slice(-2)], [0, 0]);
  });

  it("learns the same bits every time and releases its memory", () => {
    const before = unreleasedFloats();
    const target = stream("target").normals(5 * 2);
    const learn = () => {
      const learner = new Learner(perceptron, initialWeights(perceptron, stream("start")), x);
      const losses: number[] = [];
      for (let step = 0; step < 400; step++) {
        learner.step(1e-2, 0.99, (y) => {
          const errors = Float64Array.from(y, (value, k) => value - at(target, k));
          losses.push(errors.reduce((sum, error) => sum + error ** 2, 0));
          return errors.map((error) => 2 * error);
        });
      }
      const { weights } = learner;
      learner.release();
      return { weights, losses };
    };
    const first = learn();
    const [begin = NaN] = first.losses;
    const end = first.losses.at(-1) ?? NaN;
    assert.ok(end < 0.1 * begin, `${begin} to ${end}`);
    assert.deepEqual(learn().weights, first.weights);
    assert.equal(unreleasedFloats(), before);
  });
});
