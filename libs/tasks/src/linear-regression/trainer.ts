import {
  combineParams,
  takeSteps,
  UserError,
  type GradientTraining,
  type LocalTrainer,
  type Numbers,
  type Params,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { at, item, norm } from "@fedclair/linalg";
import { LeastSquares } from "./least-squares.js";

export interface RegressionSample {
  /** p inputs */
  readonly x: Float64Array;
  /** q outputs */
  readonly y: Float64Array;
}

/** The samples of one client. Every pass over them yields the same ones. */
export interface ShardSamples {
  readonly p: number;
  readonly q: number;
  /** Number of samples in `training`. The first `trained` are trained on, the rest held back. */
  readonly samples: number;
  readonly trained: number;
  training(): AsyncIterable<RegressionSample>;
  /** Number of samples in `test`. */
  readonly tested: number;
  test(): AsyncIterable<RegressionSample>;
  /** The true weights, p×q row-major, if they are known. */
  readonly truth?: Float64Array;
}

/** How a client trains. */
export interface LinearTraining {
  /** μ of FedProx. */
  readonly proximal: number;
  /** Gradient steps on all samples. Default: least squares is solved exactly. */
  readonly localSteps?: number | undefined;
  /** The learning rate of these steps. Default: 0.5. */
  readonly learningRate?: number | undefined;
}

export function createLinearTrainer(
  data: ShardSamples,
  { proximal, localSteps = 0, learningRate = 0.5 }: LinearTraining,
): LocalTrainer {
  const { p, q, samples, trained, truth } = data;
  const open = async ({ params, signal }: Pick<TrainJob, "params" | "signal">) => {
    const fit = new LeastSquares(p, q);
    let passed = 0;
    for await (const { x, y } of data.training()) {
      if (++passed > trained) break;
      fit.add(x, y);
    }
    const gradientAt = (at: Params) => {
      // The loss is the sum of squares over trained·q.
      const slope = fit.gradient(weightsOf(at, p, q)).map((value) => value / (trained * q));
      return toParams(slope, p, q);
    };
    return {
      params,
      numExamples: trained,
      count: localSteps,
      rate: learningRate,
      steps: (from, walk) => takeSteps(from, walk, gradientAt, signal),
      loss: (at) => measureTraining(weightsOf(at, p, q)),
    } satisfies GradientTraining;
  };
  const measureTraining = async (weights: Numbers) => {
    let squares = 0;
    let passed = 0;
    for await (const { x, y } of data.training()) {
      if (++passed > trained) break;
      squares += norm(minus(y, predictOutputs(x, weights, q))) ** 2;
    }
    return squares / (trained * q);
  };
  const descend = async (job: TrainJob): Promise<TrainResult> => {
    const { params } = job;
    const training = await open(job);
    const towards = proximal > 0 ? { towards: { params, weight: proximal } } : {};
    const pace = { count: localSteps, rate: learningRate, ...towards };
    return {
      numExamples: trained,
      delta: combineParams([1, await training.steps(params, pace)], [-1, params]),
      metrics: { loss: await training.loss(params) },
    };
  };
  return {
    ...(localSteps > 0 && { open }),

    async train(job) {
      if (localSteps > 0) return await descend(job);
      const { params } = job;
      const start = weightsOf(params, p, q);
      const fit = new LeastSquares(p, q);
      let squares = 0;
      let passed = 0;
      for await (const { x, y } of data.training()) {
        if (++passed > trained) break;
        const residual = minus(y, predictOutputs(x, start, q));
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
      const weights = weightsOf(params, p, q);
      let squares = 0;
      let passed = 0;
      for await (const { x, y } of data.training()) {
        if (++passed > trained) squares += norm(minus(y, predictOutputs(x, weights, q))) ** 2;
      }
      return squares / ((samples - trained) * q);
    },

    async evaluate(params) {
      const weights = weightsOf(params, p, q);
      let squares = 0;
      for await (const { x, y } of data.test()) {
        squares += norm(minus(y, predictOutputs(x, weights, q))) ** 2;
      }
      const loss = squares / (data.tested * q);
      return {
        numExamples: data.tested,
        delta: new Map(),
        metrics: truth ? { error: norm(minus(weights, truth)) ** 2, loss } : { loss },
      };
    },
  };
}

/** Computes xᵀ·W, q numbers. */
export function predictOutputs(x: Float64Array, weights: Numbers, q: number): Float64Array {
  const y = new Float64Array(q);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < q; j++) y[j] = at(y, j) + at(x, i) * item(weights, i * q + j);
  }
  return y;
}

export function minus(a: Numbers, b: Numbers): Float64Array {
  return Float64Array.from(a, (value, i) => value - item(b, i));
}

export function toParams(weights: Float64Array, p: number, q: number): Params {
  return new Map([["weights", { shape: [p, q], data: weights }]]);
}

/**
 * Returns the weights, p×q. The tables of two hosts may differ. The coordinator gets the message of
 * the error, so it contains only the number of columns.
 * @throws UserError if the params are for another number of inputs or outputs
 */
function weightsOf(params: Params, p: number, q: number): Numbers {
  const weights = params.get("weights");
  if (weights === undefined) throw new Error("least squares: params without `weights`");
  const { shape, data } = weights;
  if (shape[0] === p && shape[1] === q) return data;
  throw new UserError(
    `least squares: the params are ${shape.join("×")}, and the data of this host need ${p}×${q}, inputs (with the constant) × outputs: give every host a table with the same columns`,
  );
}
