import assert from "node:assert/strict";
import { loadBackend } from "@fedclair/compute";
import { stream, at, item } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, targetRows } from "./examples.js";
import { embed, forward, splitModules, type WeightName, type TransformerWeights } from "./model.js";
import { copyLength } from "./shape.js";
import { computeLossAndGradients, pretrain } from "./pretrain.js";

const vocabulary = 3;
const x = Int32Array.of(0, 1, 2, 0, 1, 1, 2, 2, 1, 0, 2, 0);
/** Many sequences, so that a single kink of a ReLU does not affect the mean loss visibly. */
const tokens = stream("tokens");
const many = Int32Array.from({ length: 32 * copyLength }, () => tokens.int(vocabulary));
const examples = { x: many, y: many };

describe("text-copy model", () => {
  let weights: TransformerWeights;

  before(async () => {
    await loadBackend();
    weights = pretrain(vocabulary, 1, stream("model"));
  });

  after(() => {
    tf.dispose({ ...weights });
  });

  it("reads x SEP y, and predicts y from SEP on", () => {
    const { read, target } = tf.tidy(() => ({
      read: [...tf.argMax(contextRows({ x, y: x }, vocabulary), -1).dataSync()],
      target: [...tf.argMax(targetRows({ x, y: x }, vocabulary), -1).dataSync()],
    }));
    assert.deepEqual(read.slice(0, 12), [0, 1, 2, 0, 1, 1, 3, 0, 1, 2, 0, 1]);
    assert.deepEqual(target, [...x]);
  });

  it("never looks ahead: the last token read moves the last prediction only", () => {
    const other = Int32Array.from(x);
    other[4] = 2;
    const logits = (y: Int32Array) =>
      tf.tidy(() =>
        forward(
          embed(contextRows({ x, y }, vocabulary), weights),
          weights,
          splitModules(weights),
        ).logits.arraySync(),
      );
    const [before, after] = [logits(x), logits(other)];
    assert.deepEqual(after.slice(0, 5), before.slice(0, 5));
    assert.notDeepEqual(after[5], before[5]);
    assert.deepEqual(after.slice(6), before.slice(6));
  });

  it("has gradients that agree with differences of the loss", () => {
    for (const name of Object.keys(weights) as WeightName[]) {
      const { gradient, shape } = tf.tidy(() => {
        const exact = computeLossAndGradients(weights, examples, vocabulary).gradients[name]();
        return { gradient: [...exact.dataSync()], shape: exact.shape };
      });
      assert.deepEqual(shape, weights[name].shape);
      // The direction goes uphill in every entry, so that no terms cancel and a missing entry is
      // noticed.
      const lengths = stream("direction").at(name).normals(gradient.length);
      const direction = gradient.map((g, i) => Math.abs(at(lengths, i)) * (g < 0 ? -1 : 1));
      const slope = gradient.reduce((sum, g, i) => sum + g * item(direction, i), 0);
      // The step is small because the loss has a kink wherever a ReLU switches.
      const step = 2e-4;
      const measured =
        (lossAt(name, direction, step) - lossAt(name, direction, -step)) / (2 * step);
      assert.ok(
        Math.abs(slope - measured) < 0.01 * Math.abs(measured) + 4e-3,
        `${name}: gradient ${slope}, differences ${measured}`,
      );
    }
  });

  function lossAt(name: WeightName, direction: ArrayLike<number>, step: number): number {
    return tf.tidy(() => {
      const offset = tf.mul(tf.tensor(Float32Array.from(direction), weights[name].shape), step);
      const moved = { ...weights, [name]: tf.add(weights[name], offset) };
      return computeLossAndGradients(moved, examples, vocabulary).loss();
    });
  }
});
