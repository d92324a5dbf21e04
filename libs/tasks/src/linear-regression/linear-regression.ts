import type { LocalTrainer, Params, Plugin, Shard, Task, Tensor } from "@fedclair/core";
import { stream, type Stream } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { LeastSquares } from "./least-squares.js";
import { orthonormalColumns } from "./orthonormal.js";

const schema = z
  .strictObject({
    p: z.int().min(1).default(30).describe("Inputs of the regression: rows of the weights"),
    q: z.int().min(1).default(10).describe("Outputs: columns of the weights"),
    rank: z
      .int()
      .min(0)
      .default(3)
      .describe("Dimensions of the column space that the clients' weights share; at most p"),
    samples: z.int().min(1).default(120).describe("Training samples a client; at least p"),
    noise: z.number().min(0).default(1).describe("Standard deviation of the noise on each output"),
    dataSeed: z
      .number()
      .default(1)
      .describe("Draws the shared column space; the clients' own data follow the trial's seed"),
  })
  .refine((o) => o.rank <= o.p, { path: ["rank"], error: "must be at most p" })
  .refine((o) => o.samples >= o.p, {
    path: ["samples"],
    error: "must be at least p, or least squares has no unique solution",
  });

type Options = z.output<typeof schema>;

/**
 * Linear regression with a shared column space (CLAIR, reference experiment 9.2): client k holds samples
 * y = xᵀ(T₀ + D_k) + noise with x ~ N(0, 1), D_k = U·C_k, the orthonormal U (p×rank) common to all clients and the
 * coefficients C_k ~ N(0, 1) its own. T₀ is common and known, so it cancels from every change; here T₀ = 0.
 *
 * The one module is `weights`, p×q, float64: an estimate of D_k. A client answers with the least-squares solution of its
 * data minus the params it starts from. Its data are the same in every round, so from the second round on a change holds
 * no news, only what the aggregation had moved: nothing for a client that kept its own estimate; under averaging, changes
 * that cancel in the mean; under refinement, the very noise that was removed. The experiment has one round.
 *
 * Evaluation reports `error`, |params − D_k|², the squared Frobenius distance from the client's true weights, and `loss`,
 * the mean squared error of one output on as many fresh samples as it trains on: noise² + error/q on average.
 *
 * There are no labels. The experiment's contaminated clients, whose D_k is a matrix of N(0, rank/p), are the attack
 * `gaussian-update`: scaled to the median benign norm, it has the same distribution but for the norm's own spread.
 */
export const linearRegression: Plugin<Task> = {
  name: "linear-regression",
  summary: "least squares on synthetic data whose true weights share a column space",
  schema,
  create: (options: Options): Task => {
    const basis = orthonormalColumns(options.p, options.rank, stream(options.dataSeed).at("basis"));
    return {
      init: () =>
        Promise.resolve(named(new Float64Array(options.p * options.q), options.p, options.q)),
      openShard: (shard) => Promise.resolve(openShard(options, basis, shard)),
    };
  },
};

/** Holds only the true weights: the samples are drawn afresh, and alike, by every job. */
function openShard(options: Options, basis: readonly Float64Array[], shard: Shard): LocalTrainer {
  const { p, q, samples } = options;
  const truth = combine(basis, p, q, shard.rng.at("coefficients"));

  return {
    async train({ params }) {
      const start = weightsOf(params);
      const fit = new LeastSquares(p, q);
      let squares = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("train"))) {
        const residual = minus(y, predict(x, start, q));
        fit.add(x, residual);
        squares += sumOfSquares(residual);
      }
      return {
        numExamples: samples,
        modules: named(fit.solve(), p, q),
        metrics: { loss: squares / (samples * q) },
      };
    },

    async evaluate(params) {
      const weights = weightsOf(params);
      let squares = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("test"))) {
        squares += sumOfSquares(minus(y, predict(x, weights, q)));
      }
      return {
        numExamples: samples,
        modules: new Map(),
        metrics: { error: sumOfSquares(minus(weights, truth)), loss: squares / (samples * q) },
      };
    },
  };
}

interface Sample {
  /** p inputs */
  readonly x: Float64Array;
  /** q outputs */
  readonly y: Float64Array;
}

async function* draw(options: Options, truth: Float64Array, rng: Stream): AsyncGenerator<Sample> {
  for (let i = 1; i <= options.samples; i++) {
    // Gives way to the event loop, so that a host with many samples still answers its socket.
    if (i % 256 === 0) await setImmediate();
    const x = rng.normals(options.p);
    const minusNoise = rng.normals(options.q, options.noise);
    yield { x, y: minus(predict(x, truth, options.q), minusNoise) };
  }
}

/** U·C with N(0, 1) coefficients C, p×q row-major, from the columns of U. */
function combine(basis: readonly Float64Array[], p: number, q: number, rng: Stream): Float64Array {
  const product = new Float64Array(p * q);
  for (const column of basis) {
    const coefficients = rng.normals(q);
    column.forEach((u, i) => {
      coefficients.forEach((c, j) => {
        product[i * q + j] = (product[i * q + j] ?? NaN) + u * c;
      });
    });
  }
  return product;
}

/** xᵀ·W, q numbers. */
function predict(x: Float64Array, weights: Tensor["data"], q: number): Float64Array {
  const y = new Float64Array(q);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < q; j++) y[j] = (y[j] ?? NaN) + (x[i] ?? NaN) * (weights[i * q + j] ?? NaN);
  }
  return y;
}

function minus(a: Tensor["data"], b: Tensor["data"]): Float64Array {
  return Float64Array.from(a, (value, i) => value - (b[i] ?? NaN));
}

function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function named(weights: Float64Array, p: number, q: number): Params {
  return new Map([["weights", { shape: [p, q], data: weights }]]);
}

function weightsOf(params: Params): Tensor["data"] {
  const weights = params.get("weights");
  if (weights === undefined) throw new Error("linear-regression: params without `weights`");
  return weights.data;
}
