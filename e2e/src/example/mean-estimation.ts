import {
  addTerms,
  type LocalTrainer,
  type Params,
  type Task,
  type TaskPlugin,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";

const schema = z.strictObject({
  size: z.int().min(1).default(6).describe("Numbers in the mean"),
  samples: z.int().min(1).default(200).describe("Samples that a client holds"),
});
type Options = z.output<typeof schema>;

/** Clients hold samples of N(μ, 1), μ = (1, 2, …), and estimate μ without sharing any sample. */
export const meanEstimation: TaskPlugin = {
  name: "mean-estimation",
  summary: "Clients estimate the mean of a normal distribution together.",
  schema,
  contaminations: () => new Map([["shifted", z.strictObject({ by: z.number().default(5) })]]),
  create: (options: Options): Task => ({
    start: () => Promise.resolve({ params: paramsOf(new Float64Array(options.size)) }),
    openShard: ({ rng, contamination }) => {
      const shift = Number(contamination?.options["by"] ?? 0);
      return Promise.resolve(trainerOf(options, shift, rng));
    },
    step: async ({ params }, aggregate) => {
      const next = await addTerms(params, (await aggregate()).change);
      return { params: next, metrics: { error: errorOf(next) } };
    },
  }),
};

/** Clients keep nothing between jobs: the same stream draws the same samples every time. */
function trainerOf({ size, samples }: Options, shift: number, rng: Stream): LocalTrainer {
  const mean = (): Float64Array => {
    const draw = rng.at("samples");
    const sum = new Float64Array(size);
    for (let i = 0; i < samples; i++) {
      draw.normals(size).forEach((x, j) => (sum[j] = (sum[j] ?? 0) + x + j + 1 + shift));
    }
    return sum.map((x) => x / samples);
  };
  const result = { numExamples: samples, delta: new Map(), metrics: {} };
  return {
    train: ({ params }) => {
      const start = meanOf(params);
      const change = mean().map((x, j) => x - (start[j] ?? 0));
      return Promise.resolve({ ...result, delta: paramsOf(change) });
    },
    evaluate: (params) => Promise.resolve({ ...result, metrics: { error: errorOf(params) } }),
  };
}

/** One module, a column, so that CLAIR can judge it. */
function paramsOf(mean: Float64Array): Params {
  return new Map([["mean", { shape: [mean.length, 1], data: mean }]]);
}

function meanOf(params: Params): Float64Array {
  return Float64Array.from(params.get("mean")?.data ?? []);
}

function errorOf(params: Params): number {
  return Math.hypot(...[...meanOf(params)].map((x, j) => x - (j + 1)));
}
