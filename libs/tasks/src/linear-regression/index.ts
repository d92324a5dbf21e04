import type { LocalTrainer, Params, Shard, Task, Tensor, TaskPlugin } from "@fedclair/core";
import { Matrix, multiply, norm, stream, thinQr, type Stream, at, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { LeastSquares } from "./least-squares.js";

const schema = z
  .strictObject({
    p: z.int().min(1).default(30).describe("Inputs of the regression: rows of the weights"),
    q: z.int().min(1).default(10).describe("Outputs: columns of the weights"),
    rank: z
      .int()
      .min(1)
      .default(3)
      .describe("Dimensions of the column space that the clients' weights share; at most p"),
    samples: z.int().min(1).default(120).describe("Training samples a client; at least p"),
    noise: z.number().min(0).default(1).describe("Standard deviation of the noise on each output"),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Draws the shared column space; the clients' own data follow the trial's seed"),
  })
  .superRefine(({ p, rank, samples }, context) => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) refuse("rank", `expected at most p = ${p}, got ${rank}`);
    // With fewer samples least squares has no unique solution.
    if (samples < p) refuse("samples", `expected at least p = ${p}, got ${samples}`);
  });

type Options = z.output<typeof schema>;

/**
 * Linear regression with a shared column space: client k holds samples
 * y = xᵀ(T₀ + D_k) + noise with x ~ N(0, 1), D_k = U·C_k, the orthonormal U (p×rank) common to all clients and the
 * coefficients C_k ~ N(0, 1) its own. T₀ is common and known, so it cancels from every change; here T₀ = 0.
 *
 * The one module is `weights`, p×q, float64: an estimate of D_k. A client answers with the least-squares solution of its
 * data minus the params it starts from. Its data are the same in every round, so from the second round on a change holds
 * no news, only what the aggregation had moved: nothing for a client that kept its own estimate; under averaging, changes
 * that cancel in the mean; under refinement, the very noise that was removed, a part of which each round puts back. The
 * experiment therefore has one round.
 *
 * Evaluation reports `error`, |params − D_k|², the squared Frobenius distance from the client's true weights, and `loss`,
 * the mean squared error of one output on as many fresh samples as it trains on: noise² + error/q on average.
 *
 * There are no labels. The experiment's contaminated clients, whose D_k is a matrix of N(0, rank/p), are the attack
 * `gaussian-update`: scaled to the median benign norm, it has the same distribution but for the norm's own spread.
 */
export const linearRegression: TaskPlugin = {
  name: "linear-regression",
  summary: "Least squares on synthetic data whose true weights share a column space.",
  schema,
  metrics: {
    error: { better: "lower", description: "squared Frobenius distance from the true weights" },
    loss: { better: "lower", description: "mean squared error of an output" },
  },
  primary: "error",
  acceptsStale: () => true,
  create: (options: Options): Task => {
    const { p, q, rank, dataSeed } = options;
    const normals = stream(dataSeed)
      .at("basis")
      .normals(p * rank);
    const basis = thinQr(new Matrix(p, rank, normals)).q;
    return {
      start: () => Promise.resolve({ params: named(new Float64Array(p * q), p, q) }),
      openShard: (shard) => Promise.resolve(openShard(options, basis, shard)),
    };
  },
};

/** Holds only the true weights: the samples are drawn afresh, and alike, by every job. */
function openShard(options: Options, basis: Matrix, shard: Shard): LocalTrainer {
  const { p, q, samples } = options;
  const coefficients = new Matrix(
    basis.cols,
    q,
    shard.rng.at("coefficients").normals(basis.cols * q),
  );
  const truth = multiply(basis, coefficients).toRowMajor();

  return {
    async train({ params }) {
      const start = weightsOf(params);
      const fit = new LeastSquares(p, q);
      let squares = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("train"))) {
        const residual = minus(y, predict(x, start, q));
        fit.add(x, residual);
        squares += norm(residual) ** 2;
      }
      return {
        numExamples: samples,
        delta: named(fit.solve(), p, q),
        metrics: { loss: squares / (samples * q) },
      };
    },

    async evaluate(params) {
      const weights = weightsOf(params);
      let squares = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("test"))) {
        squares += norm(minus(y, predict(x, weights, q))) ** 2;
      }
      return {
        numExamples: samples,
        delta: new Map(),
        metrics: { error: norm(minus(weights, truth)) ** 2, loss: squares / (samples * q) },
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

/** xᵀ·W, q numbers. */
function predict(x: Float64Array, weights: Tensor["data"], q: number): Float64Array {
  const y = new Float64Array(q);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < q; j++) y[j] = at(y, j) + at(x, i) * item(weights, i * q + j);
  }
  return y;
}

function minus(a: Tensor["data"], b: Tensor["data"]): Float64Array {
  return Float64Array.from(a, (value, i) => value - item(b, i));
}

function named(weights: Float64Array, p: number, q: number): Params {
  return new Map([["weights", { shape: [p, q], data: weights }]]);
}

function weightsOf(params: Params): Tensor["data"] {
  const weights = params.get("weights");
  if (weights === undefined) throw new Error("linear-regression: params without `weights`");
  return weights.data;
}
