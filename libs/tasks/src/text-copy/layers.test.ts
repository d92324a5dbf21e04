import assert from "node:assert/strict";
import { loadBackend } from "@fedclair/compute";
import { item, stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import {
  attentionLayer,
  attentionByOperations,
  linear,
  normalizeLayer,
  normalizeByOperations,
} from "./layers.js";

const rng = stream("layers");

function normal(key: string, rows: number, columns: number): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from(rng.at(key).normals(rows * columns)), [rows, columns]);
}

function assertClose(actual: tf.Tensor, expected: tf.Tensor): void {
  assert.deepEqual(actual.shape, expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - item(b, i)) < 1e-5, `${i}: ${value}, ${item(b, i)}`);
  });
}

describe("layers of the Transformer", () => {
  before(() => loadBackend());

  it("normalise like operations of TensorFlow.js, with the same gradient", () => {
    tf.tidy(() => {
      const [x, dy] = [normal("x", 5, 12), normal("dy", 5, 12)];
      const [one, other] = [normalizeLayer(x), normalizeByOperations(x)];
      assertClose(one.y, other.y);
      assertClose(one.back(dy), other.back(dy));
    });
  });

  for (const queries of [5, 2]) {
    it(`attend from ${queries} of 5 positions like operations, with the same gradients`, () => {
      tf.tidy(() => {
        const inputs = {
          q: normal("q", 3 * queries, 16),
          k: normal("k", 15, 16),
          v: normal("v", 15, 16),
        };
        const sizes = { queries, positions: 5, heads: 2 };
        const dy = normal("slope", 3 * queries, 16);
        const [one, other] = [attentionLayer(inputs, sizes), attentionByOperations(inputs, sizes)];
        assertClose(one.y, other.y);
        const [ours, theirs] = [one.back(dy), other.back(dy)];
        for (const name of ["q", "k", "v"] as const) assertClose(ours[name], theirs[name]);
      });
    });
  }

  it("multiply the rows of each client by its own matrix", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4], [4, 1]);
      const { y, back, weights } = linear(x, tf.tensor3d([10, 100], [2, 1, 1]));
      assert.deepEqual([...y.dataSync()], [10, 20, 300, 400]);
      const dy = tf.tensor2d([1, 1, 1, 1], [4, 1]);
      assert.deepEqual([...back(dy).dataSync()], [10, 10, 100, 100]);
      assert.deepEqual([...weights(dy).dataSync()], [3, 7]);
    });
  });
});
