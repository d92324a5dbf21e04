import assert from "node:assert/strict";
import { loadBackend } from "@fedclair/compute";
import { stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, targetRows } from "./examples.js";
import { crossEntropy, embed, forward, type WeightName, type Weights } from "./model.js";
import { pretrain } from "./pretrain.js";

const vocabulary = 3;
const x = Int32Array.of(0, 1, 2, 0, 1, 1, 2, 2, 1, 0, 2, 0);

describe("text-copy model", () => {
  let weights: Weights;

  before(async () => {
    await loadBackend();
    weights = pretrain(vocabulary, 1, stream("model"));
  });

  after(() => {
    tf.dispose({ ...weights });
  });

  it("reads x SEP y, and predicts y from SEP on", () => {
    const { tokens, target } = tf.tidy(() => ({
      tokens: [...tf.argMax(contextRows({ x, y: x }, vocabulary), -1).dataSync()],
      target: [...tf.argMax(targetRows({ x, y: x }, vocabulary), -1).dataSync()],
    }));
    assert.deepEqual(tokens.slice(0, 12), [0, 1, 2, 0, 1, 1, 3, 0, 1, 2, 0, 1]);
    assert.deepEqual(target, [...x]);
  });

  it("never looks ahead: the last token read moves the last prediction only", () => {
    const other = Int32Array.from(x);
    other[4] = 2;
    const logits = (y: Int32Array) =>
      tf.tidy(() =>
        forward(embed(contextRows({ x, y }, vocabulary), weights), weights).logits.arraySync(),
      );
    const [before, after] = [logits(x), logits(other)];
    assert.deepEqual(after.slice(0, 5), before.slice(0, 5));
    assert.notDeepEqual(after[5], before[5]);
    assert.deepEqual(after.slice(6), before.slice(6));
  });

  const names = [
    "adapted",
    "block0.up",
    "block0.down",
    "block1.up",
    "block1.down",
    "head",
  ] as const;
  for (const name of names) {
    it(`has the gradient of ${name} that differences of the loss show`, () => {
      const direction = Float32Array.from(stream("direction").normals(weights[name].size));
      const loss = (step: number) => tf.tidy(() => lossAt(weights, name, direction, step).value());
      const slope = tf.tidy(() => {
        const { back, gradient } = lossAt(weights, name, direction, 0);
        const product = tf.mul(back(gradient())[name](), tf.tensor(direction, weights[name].shape));
        return tf.sum(product).dataSync()[0] ?? NaN;
      });
      // Small, for the loss has a kink wherever a ReLU switches.
      const step = 2e-4;
      const measured = (loss(step) - loss(-step)) / (2 * step);
      assert.ok(
        Math.abs(slope - measured) < 0.01 * Math.abs(measured) + 4e-3,
        `gradient ${slope}, differences ${measured}`,
      );
    });
  }
});

function lossAt(weights: Weights, name: WeightName, direction: Float32Array, step: number) {
  const offset = tf.mul(tf.tensor(direction, weights[name].shape), step);
  const moved = { ...weights, [name]: tf.add(weights[name], offset) };
  const { logits, back } = forward(embed(contextRows({ x, y: x }, vocabulary), moved), moved);
  return { back, ...crossEntropy(logits, targetRows({ x, y: x }, vocabulary)) };
}
