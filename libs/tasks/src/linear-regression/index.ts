import { toTensor, turnOfEventLoop, type Shard, type Task, type TaskPlugin } from "@fedclair/core";
import { Matrix, multiply, stream, thinQr, type Stream } from "@fedclair/linalg";
import { countHeldBack } from "../held-back.js";
import { linearRegressionSchema, type LinearRegressionOptions } from "./options.js";
import {
  createLinearTrainer,
  minus,
  predictOutputs,
  toParams,
  type RegressionSample,
  type ShardSamples,
} from "./trainer.js";

/**
 * Linear regression with a shared column space: client k holds samples y = xᵀ(T₀ + D_k) + noise
 * with x ~ N(0, 1) and D_k = U·C_k. The orthonormal U (p×rank) is common to all clients, and each
 * has its own coefficients C_k ~ N(0, 1). T₀ is common and known, so it cancels from every change.
 * Here T₀ = 0.
 *
 * The only module is `weights`, p×q, float64: an estimate of D_k. A client answers with the
 * least-squares solution of its data minus the params from which it starts, or with `localSteps`
 * takes gradient steps towards it. With `proximal`, the change minimises `loss` + (μ/2)·|change|².
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
  schema: linearRegressionSchema,
  metrics: {
    error: { better: "lower", description: "squared Frobenius distance from the true weights" },
    loss: { better: "lower", description: "mean squared error of an output" },
  },
  primary: "error",
  acceptsStale: () => true,
  refusesSteps: ({ localSteps, proximal }: LinearRegressionOptions) => {
    if (localSteps === undefined) return "it solves least squares; set localSteps";
    return proximal > 0 ? "proximal changes the loss; leave it out" : undefined;
  },
  holdsBack: true,
  create: createSimulated,
};

function createSimulated(options: LinearRegressionOptions): Task {
  const { p, q, rank, dataSeed } = options;
  const normals = stream(dataSeed)
    .at("basis")
    .normals(p * rank);
  const basis = thinQr(new Matrix(p, rank, normals)).q;
  return {
    sharedSpaces: new Map([["weights", toTensor(basis)]]),
    start: () => Promise.resolve({ params: toParams(new Float64Array(p * q), p, q) }),
    openShard: (shard) =>
      Promise.resolve(createLinearTrainer(simulate(options, basis, shard), options)),
  };
}

/** Simulates one client. It holds only the true weights: each pass draws the same samples again. */
function simulate(
  options: LinearRegressionOptions,
  basis: Matrix,
  { rng, holdBack }: Shard,
): ShardSamples {
  const { p, q, samples } = options;
  const coefficients = new Matrix(basis.cols, q, rng.at("coefficients").normals(basis.cols * q));
  const truth = multiply(basis, coefficients).toRowMajor();
  return {
    p,
    q,
    samples,
    trained: samples - countHeldBack(samples, holdBack),
    training: () => draw(options, truth, rng.at("train")),
    tested: samples,
    test: () => draw(options, truth, rng.at("test")),
    truth,
  };
}

async function* draw(
  options: LinearRegressionOptions,
  truth: Float64Array,
  rng: Stream,
): AsyncGenerator<RegressionSample> {
  for (let i = 1; i <= options.samples; i++) {
    // Yields to the event loop, so that a host with many samples still answers its socket.
    if (i % 256 === 0) await turnOfEventLoop();
    const x = rng.normals(options.p);
    const minusNoise = rng.normals(options.q, options.noise);
    yield { x, y: minus(predictOutputs(x, truth, options.q), minusNoise) };
  }
}
