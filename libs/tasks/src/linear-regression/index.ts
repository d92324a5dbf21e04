import type { Numbers, LocalTrainer, Params, Shard, Task, TaskPlugin } from "@fedclair/core";
import { Matrix, multiply, norm, stream, thinQr, type Stream, at, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { countHeldBack } from "../held-back.js";
import { proximal } from "../proximal.js";
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
    samples: z.int().min(1).default(120).describe("Training samples per client; at least p"),
    noise: z.number().min(0).default(1).describe("Standard deviation of the noise on each output"),
    proximal,
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Seed of the shared column space; the clients' own data follow the trial's seed"),
  })
  .superRefine(({ p, rank, samples }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) reject("rank", `expected at most p = ${p}, got ${rank}`);
    // With fewer samples least squares has no unique solution.
    if (samples < p) reject("samples", `expected at least p = ${p}, got ${samples}`);
  });

type Options = z.output<typeof schema>;

/**
 * Linear regression with a shared column space: client k holds samples y = xᵀ(T₀ + D_k) + noise
 * with x ~ N(0, 1) and D_k = U·C_k. The orthonormal U (p×rank) is common to all clients, and each
 * has its own coefficients C_k ~ N(0, 1). T₀ is common and known, so it cancels from every change.
 * Here T₀ = 0.
 *
 * The only module is `weights`, p×q, float64: an estimate of D_k. A client answers with the
 * least-squares solution of its data minus the params from which it starts. With
 * `proximal`, the change minimises `loss` + (μ/2)·|change|².
 *
 * The experiment has one round, because a client's data are the same in every round. From the
 * second round on, a change shows only what the aggregation had moved:
 * - nothing for a client that kept its own estimate;
 * - under averaging, changes that cancel in the mean;
 * - under refinement, the noise that was removed, and each round puts a part of it back.
 *
 * Evaluation reports `error` and `loss`. `error` is |params − D_k|², the squared Frobenius distance
 * from the client's true weights. `loss` is the mean squared error of one output on fresh samples,
 * as many as the client trains on: noise² + error/q on average.
 *
 * There are no labels. The experiment's contaminated clients run the attack `gaussian-update`:
 * their D_k is a matrix of N(0, rank/p). Scaled to the median benign norm, the attack has the same
 * distribution except for the spread of the norm.
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
  holdsBack: true,
  create: (options: Options): Task => {
    const { p, q, rank, dataSeed } = options;
    const normals = stream(dataSeed)
      .at("basis")
      .normals(p * rank);
    const basis = thinQr(new Matrix(p, rank, normals)).q;
    return {
      start: () => Promise.resolve({ params: toParams(new Float64Array(p * q), p, q) }),
      openShard: (shard) => Promise.resolve(openShard(options, basis, shard)),
    };
  },
};

/** The trainer holds only the true weights: each job draws the same samples again. */
function openShard(options: Options, basis: Matrix, shard: Shard): LocalTrainer {
  const { p, q, samples, proximal } = options;
  const trained = samples - countHeldBack(samples, shard.holdBack);
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
      let drawn = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("train"))) {
        if (++drawn > trained) break;
        const residual = minus(y, predict(x, start, q));
        fit.add(x, residual);
        squares += norm(residual) ** 2;
      }
      return {
        numExamples: trained,
        // The loss is the sum of squares over trained·q.
        delta: toParams(fit.solve((proximal / 2) * trained * q), p, q),
        metrics: { loss: squares / (trained * q) },
      };
    },

    async measureHeldBack(params) {
      const weights = weightsOf(params);
      let squares = 0;
      let drawn = 0;
      for await (const { x, y } of draw(options, truth, shard.rng.at("train"))) {
        if (++drawn > trained) squares += norm(minus(y, predict(x, weights, q))) ** 2;
      }
      return squares / ((samples - trained) * q);
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
    // Yields to the event loop, so that a host with many samples still answers its socket.
    if (i % 256 === 0) await setImmediate();
    const x = rng.normals(options.p);
    const minusNoise = rng.normals(options.q, options.noise);
    yield { x, y: minus(predict(x, truth, options.q), minusNoise) };
  }
}

/** Computes xᵀ·W, q numbers. */
function predict(x: Float64Array, weights: Numbers, q: number): Float64Array {
  const y = new Float64Array(q);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < q; j++) y[j] = at(y, j) + at(x, i) * item(weights, i * q + j);
  }
  return y;
}

function minus(a: Numbers, b: Numbers): Float64Array {
  return Float64Array.from(a, (value, i) => value - item(b, i));
}

function toParams(weights: Float64Array, p: number, q: number): Params {
  return new Map([["weights", { shape: [p, q], data: weights }]]);
}

function weightsOf(params: Params): Numbers {
  const weights = params.get("weights");
  if (weights === undefined) throw new Error("linear-regression: params without `weights`");
  return weights.data;
}
