import { UserError, type LocalTrainer, type Numbers, type Params } from "@fedclair/core";
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

/** @param proximal μ of FedProx */
export function createLinearTrainer(data: ShardSamples, proximal: number): LocalTrainer {
  const { p, q, samples, trained, truth } = data;
  return {
    async train({ params }) {
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
