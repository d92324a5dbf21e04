// @ts-check
import { addTerms, definePlugin } from "@fedclair/core";
import { z } from "zod";

/**
 * Clients have samples of N(μ, 1) with μ = (1, 2, …) and estimate μ together without sharing a
 * sample.
 */
export const meanEstimation = definePlugin({
  kind: "task",
  name: "mean-estimation",
  summary: "Clients estimate the mean of a normal distribution together.",
  schema: z.strictObject({
    size: z.int().min(1).default(6).describe("Length of the mean."),
    samples: z.int().min(1).default(200).describe("Samples per client."),
    step: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe("How far a client moves towards its own mean in each round."),
  }),
  metrics: { error: { better: "lower", description: "distance from the true mean" } },
  primary: "error",

  create: ({ size, samples, step }) => ({
    /** Runs once in the coordinator: returns the params that all clients start from. */
    start: () => Promise.resolve({ params: paramsOf(new Float64Array(size)) }),

    /**
     * Runs once per job of a client. All random numbers come from the stream, so every host
     * computes the same numbers.
     */
    openShard: ({ rng }) => {
      const own = new Float64Array(size);
      const draw = rng.at("samples");
      for (let i = 0; i < samples; i++) {
        draw.normals(size).forEach((x, j) => (own[j] += (x + j + 1) / samples));
      }
      return Promise.resolve({
        /** Returns the change of the params and the number of samples. */
        train: ({ params }) => {
          const start = meanOf(params);
          const delta = paramsOf(own.map((x, j) => step * (x - start[j])));
          return Promise.resolve({ numExamples: samples, delta, metrics: {} });
        },
        evaluate: (params) => {
          const metrics = { error: errorOf(meanOf(params)) };
          return Promise.resolve({ numExamples: samples, delta: new Map(), metrics });
        },
      });
    },

    /** Runs once per round in the coordinator. By default, the aggregate is added to the params. */
    step: async ({ params }, aggregate) => {
      const next = await addTerms(params, (await aggregate()).change);
      return { params: next, metrics: { error: errorOf(meanOf(next)) } };
    },
  }),
});

export default meanEstimation;

/** Creates params with one module, a column. @param {Float64Array} mean */
function paramsOf(mean) {
  return new Map([["mean", { shape: [mean.length, 1], data: mean }]]);
}

/** @param {import("@fedclair/core").Params} params */
function meanOf(params) {
  return Float64Array.from(params.get("mean")?.data ?? []);
}

/** @param {Float64Array} mean */
function errorOf(mean) {
  return Math.hypot(...mean.map((x, j) => x - (j + 1)));
}
