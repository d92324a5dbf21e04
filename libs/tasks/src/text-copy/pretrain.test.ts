import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { loadBackend } from "@fedclair/compute";
import { decodeSafetensors } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { encodeWeights, loadBase } from "./base.js";
import { baseFile } from "./base-file.js";
import { contextRows } from "./examples.js";
import { embed, forward, splitModules, type TransformerWeights } from "./model.js";
import { copyLength } from "./shape.js";
import { pretrain, pretrainSteps, reverseSequences } from "./pretrain.js";

/**
 * The shipped bases, and how well each reverses and copies uniform tokens, as measured when it was
 * created.
 */
const shipped = [
  { vocabulary: 20, reversal: 0.999, copying: 0.24 },
  { vocabulary: 32, reversal: 0.999, copying: 0.19 },
];

describe("pretrain", () => {
  before(() => loadBackend());

  it("writes the same bytes again, and disposes of all tensors", () => {
    const tensors = tf.memory().numTensors;
    const run = () => {
      const weights = pretrain(20, 13, stream(1));
      const bytes = encodeWeights(weights, { seed: "1" });
      tf.dispose({ ...weights });
      return bytes;
    };
    assert.deepEqual(run(), run());
    assert.equal(tf.memory().numTensors, tensors);
  });

  for (const { vocabulary, reversal, copying } of shipped) {
    it(`ships a base for ${vocabulary} tokens that reverses, and hardly copies`, async () => {
      const { metadata } = decodeSafetensors(await readFile(baseFile(vocabulary)));
      assert.equal(metadata["steps"], String(pretrainSteps));
      const weights = await loadBase(vocabulary);
      const rng = stream("uniform");
      const x = Int32Array.from({ length: 500 * copyLength }, () => rng.int(vocabulary));
      assert.ok(Math.abs(accuracy(weights, vocabulary, x, reverseSequences(x)) - reversal) < 0.01);
      assert.ok(Math.abs(accuracy(weights, vocabulary, x, x) - copying) < 0.03);
    });
  }
});

function accuracy(
  weights: TransformerWeights,
  vocabulary: number,
  x: Int32Array,
  y: Int32Array,
): number {
  return tf.tidy(() => {
    const { logits } = forward(
      embed(contextRows({ x, y }, vocabulary), weights),
      weights,
      splitModules(weights),
    );
    const predicted = tf.argMax(logits, -1).dataSync();
    return y.filter((token, i) => token === predicted[i]).length / y.length;
  });
}
