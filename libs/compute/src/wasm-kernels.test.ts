import assert from "node:assert/strict";
import fc from "fast-check";
import type * as TensorFlow from "@tensorflow/tfjs-core";
import { loadBackend } from "./backend.js";

/** Integers, so that sums of their products are exact in float32. */
const entries = (count: number) =>
  fc.array(fc.integer({ min: -9, max: 9 }), { minLength: count, maxLength: count });

const products = fc
  .record({
    batches: fc.constantFrom<[number[], number[]]>(
      [[], []],
      [[3], [3]],
      [
        [2, 2],
        [2, 2],
      ],
      [[3], []],
      [[], [2]],
    ),
    m: fc.integer({ min: 1, max: 9 }),
    k: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 190, max: 400 })),
    n: fc.integer({ min: 1, max: 40 }),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
  })
  .chain((sizes) => {
    const { batches, m, k, n, transposeA, transposeB } = sizes;
    const a = [...batches[0], ...(transposeA ? [k, m] : [m, k])];
    const b = [...batches[1], ...(transposeB ? [n, k] : [k, n])];
    const length = (shape: number[]) => shape.reduce((product, size) => product * size, 1);
    return fc.record({
      sizes: fc.constant({ ...sizes, a, b }),
      left: entries(length(a)),
      right: entries(length(b)),
    });
  });

describe("our kernels for wasm", () => {
  let tf: typeof TensorFlow;
  const layer = (kernel: string, inputs: TensorFlow.NamedTensorMap, sizes = {}) =>
    tf.engine().runKernel(kernel, inputs, sizes) as unknown as TensorFlow.Tensor[];

  before(async function () {
    const backend = await loadBackend();
    if (backend.name !== "wasm") this.skip();
    tf = backend.tf;
  });

  it("multiply matrices of all sizes, transposed, in batches, and repeated", () => {
    fc.assert(
      fc.property(products, ({ sizes, left, right }) => {
        const { batches, m, k, n, transposeA, transposeB, a, b } = sizes;
        const { shape, data } = tf.tidy(() => {
          const product = tf.matMul(
            tf.tensor(left, a),
            tf.tensor(right, b),
            transposeA,
            transposeB,
          );
          return { shape: product.shape, data: [...product.dataSync()] };
        });
        const outer = batches[0].length > 0 ? batches[0] : batches[1];
        assert.deepEqual(shape, [...outer, m, n]);
        const count = outer.reduce((product, size) => product * size, 1);
        const start = (own: number[], batch: number, size: number) =>
          own.length === 0 ? 0 : batch * size;
        const expected = Array.from({ length: count * m * n }, (_, cell) => {
          const [batch, i, j] = [Math.floor(cell / (m * n)), Math.floor(cell / n) % m, cell % n];
          let sum = 0;
          for (let p = 0; p < k; p++) {
            const x = start(batches[0], batch, m * k) + (transposeA ? p * m + i : i * k + p);
            const y = start(batches[1], batch, k * n) + (transposeB ? j * k + p : p * n + j);
            sum += (left[x] ?? NaN) * (right[y] ?? NaN);
          }
          return sum;
        });
        assert.deepEqual(
          data.map((value) => value + 0),
          expected.map((value) => value + 0),
        );
      }),
    );
  });

  it("compute the same bits for a row alone and among others", () => {
    const [alone, among] = tf.tidy(() => {
      const x = tf.randomNormal([200, 37], 0, 1, "float32", 1);
      const w = tf.randomNormal([37, 21], 0, 1, "float32", 2);
      const row = tf.matMul(tf.slice(x, [133, 0], [1, 37]), w);
      return [[...row.dataSync()], [...tf.slice(tf.matMul(x, w), [133, 0], [1, 21]).dataSync()]];
    });
    assert.deepEqual(alone, among);
  });

  it("reject integer tensors, and single dimensions that would repeat", () => {
    tf.tidy(() => {
      const ones = (shape: number[]) => tf.ones(shape);
      assert.throws(() => tf.matMul(ones([2, 1, 2, 2]), ones([1, 3, 2, 2])), /tile one of them/);
      const whole = tf.tensor2d([1, 2, 3, 4], [2, 2], "int32");
      const run = () => tf.engine().runKernel("BatchMatMul", { a: whole, b: whole });
      assert.throws(run, /expected float32, got int32/);
    });
  });

  it("normalise rows: rows with mean 0 and variance 1 stay", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, -1, 1, -1, 5, 5, 5, 5], [2, 4]);
      const [y, scales] = layer("Normalize", { x });
      assert.ok(y && scales);
      const expected = [1, -1, 1, -1, 0, 0, 0, 0];
      y.dataSync().forEach((value, i) => {
        assert.ok(Math.abs(value - (expected[i] ?? NaN)) < 1e-5, `${i}: ${value}`);
      });
    });
  });

  it("attend evenly if all keys are equal, and only to the past", () => {
    tf.tidy(() => {
      // One head of width 4 and three positions, with queries at the last two.
      const q = tf.ones<TensorFlow.Rank.R2>([2, 4]);
      const k = tf.ones<TensorFlow.Rank.R2>([3, 4]);
      const v = tf.tensor2d([3, 0, 0, 0, 0, 6, 0, 0, 0, 0, 9, 0], [3, 4]);
      const sizes = { queries: 2, positions: 3, heads: 1 };
      const [y] = layer("Attention", { q, k, v }, sizes);
      const expected = [1.5, 3, 0, 0, 1, 2, 3, 0];
      y?.dataSync().forEach((value, i) => {
        assert.ok(Math.abs(value - (expected[i] ?? NaN)) < 1e-5, `${i}: ${value}`);
      });
    });
  });

  it("attend with the probabilities of exp, down to the smallest", () => {
    fc.assert(
      fc.property(fc.double({ min: -200, max: 0, noNaN: true }), (exponent) => {
        const [here, there] = tf.tidy(() => {
          const q = tf.tensor2d([2, 0, 0, 0], [1, 4]);
          const k = tf.tensor2d([exponent, 0, 0, 0, 0, 0, 0, 0], [2, 4]);
          const v = tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0], [2, 4]);
          const sizes = { queries: 1, positions: 2, heads: 1 };
          return layer("Attention", { q, k, v }, sizes)[0]?.dataSync() ?? [];
        });
        const expected = Math.exp(Math.fround(exponent));
        assert.ok(Math.abs((here ?? NaN) / (there ?? NaN) - expected) <= 4e-7 * expected + 2e-38);
      }),
    );
  });

  it("do not attend to the future, nor do gradients, even if it contains NaN", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 4, 3, 2, 1, NaN, NaN, NaN, NaN], [3, 4]);
      const sizes = { queries: 3, positions: 3, heads: 1 };
      const inputs = { q: x, k: x, v: x };
      const [y, probabilities] = layer("Attention", inputs, sizes);
      assert.ok(y && probabilities);
      const dy = tf.ones([3, 4]);
      const [dq] = layer("AttentionGradient", { ...inputs, probabilities, dy }, sizes);
      for (const tensor of [y, dq]) {
        const isNumber = [...(tensor?.dataSync() ?? [])].map((value) => !Number.isNaN(value));
        const past = Array<boolean>(8).fill(true);
        assert.deepEqual(isNumber, [...past, ...Array<boolean>(4).fill(false)]);
      }
    });
  });

  it("pass a gradient back only where a ReLU passed its input", () => {
    tf.tidy(() => {
      const y = tf.tensor2d([0, 2, 0, 1e-30], [1, 4]);
      const dy = tf.tensor2d([5, 6, -7, -8], [1, 4]);
      const [dx] = layer("ReluGradient", { y, dy });
      assert.deepEqual([...(dx?.dataSync() ?? [])], [0, 6, 0, -8]);
    });
  });
});
