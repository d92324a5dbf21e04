import { loadBackend } from "@fedclair/compute";
import { definePlugin, type Params } from "@fedclair/core";
import { z } from "zod";

/** A task that trains with TensorFlow.js: each client proposes the product of two matrices. */
export default definePlugin({
  kind: "task",
  name: "tensors",
  summary: "Multiplies two matrices with TensorFlow.js.",
  schema: z.strictObject({}),
  create: () => ({
    start: () => Promise.resolve({ params: paramsOf([0, 0]) }),
    openShard: () =>
      Promise.resolve({
        train: async () => {
          const { tf } = await loadBackend();
          const product = tf.tidy(() =>
            tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 1], [2, 1])),
          );
          const delta = paramsOf(product.dataSync());
          product.dispose();
          return { numExamples: 1, delta, metrics: {} };
        },
      }),
  }),
});

function paramsOf(numbers: ArrayLike<number>): Params {
  return new Map([["w", { shape: [2], data: Float32Array.from(numbers) }]]);
}
