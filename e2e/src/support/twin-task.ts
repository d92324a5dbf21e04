// A task whose clients exist twice: here, and in apps/client-python/tests/twin.py. Both sides give
// the same numbers up to rounding, by softmax regression with full gradients.
import { definePlugin, type LocalTrainer, type Params, type Shard } from "@fedclair/core";
import { z } from "zod";

const [samples, features, classes, steps, rate] = [40, 3, 4, 3, 0.5] as const;

interface Points {
  /** samples × features, with a last feature of 1 */
  readonly x: readonly (readonly number[])[];
  readonly y: Int32Array;
}

/** A point lies around its class's corner of the simplex; class 3 around the origin. */
function drawPoints({ rng }: Shard): Points {
  const y = Int32Array.from({ length: samples }, () => rng.int(classes));
  const x = Array.from(y, (label) => [
    ...Array.from({ length: features }, (_, j) => Number(j === label) + rng.uniform() - 0.5),
    1,
  ]);
  return { x, y };
}

const weightsOf = (params: Params) => params.get("w")?.data ?? new Float64Array();
const width = features + 1;

function probabilities(x: readonly number[], w: ArrayLike<number>): number[] {
  const exps = Array.from({ length: classes }, (_, k) =>
    Math.exp(x.reduce((sum, value, j) => sum + value * (w[k * width + j] ?? 0), 0)),
  );
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

function createTrainer(shard: Shard): LocalTrainer {
  const { x, y } = drawPoints(shard);
  const labels = shard.corruptLabels?.(y, classes) ?? y;
  const sign = shard.contamination ? -1 : 1;
  return {
    train: ({ params }) => {
      const start = weightsOf(params);
      const w = Float64Array.from(start);
      for (let step = 0; step < steps; step++) {
        const gradient = new Float64Array(w.length);
        for (const [i, point] of x.entries()) {
          for (const [k, p] of probabilities(point, w).entries()) {
            const error = p - Number(labels[i] === k);
            for (const [j, value] of point.entries())
              gradient[k * width + j] = (gradient[k * width + j] ?? 0) + error * sign * value;
          }
        }
        for (let i = 0; i < w.length; i++)
          w[i] = (w[i] ?? 0) - (rate * (gradient[i] ?? 0)) / samples;
      }
      const data = w.map((value, i) => value - (start[i] ?? 0));
      const delta = new Map([["w", { shape: [classes, width], data }]]);
      return Promise.resolve({ numExamples: samples, delta, metrics: {} });
    },
    evaluate: (params) => {
      const w = weightsOf(params);
      const losses = x.map((point, i) => -Math.log(probabilities(point, w)[y[i] ?? 0] ?? 0));
      const loss = losses.reduce((sum, value) => sum + value, 0) / samples;
      return Promise.resolve({ numExamples: samples, delta: new Map(), metrics: { loss } });
    },
  };
}

export default definePlugin({
  kind: "task",
  name: "twin",
  summary: "Softmax regression that numpy clients compute as well.",
  schema: z.strictObject({}),
  hasLabels: () => true,
  acceptsStale: () => true,
  contaminations: () => new Map([["mirrored", z.strictObject({})]]),
  metrics: { loss: { better: "lower", description: "cross-entropy" } },
  create: () => ({
    start: () =>
      Promise.resolve({
        params: new Map([
          ["w", { shape: [classes, width], data: new Float64Array(classes * width) }],
        ]),
      }),
    openShard: (shard) => Promise.resolve(createTrainer(shard)),
  }),
});
