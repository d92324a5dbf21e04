import { setImmediate } from "node:timers/promises";
import {
  toMatrix,
  toTensor,
  type Contaminating,
  type LocalTrainer,
  type Params,
  type Shard,
  type Task,
  type TaskPlugin,
} from "@fedclair/core";
import {
  addScaled,
  gaussian,
  indices,
  Matrix,
  multiply,
  stream,
  subtract,
  thinQr,
  type Stream,
} from "@fedclair/linalg";
import { z } from "zod";
import { noOwnData } from "../data/own-data.js";
import { countHeldBack } from "../held-back.js";
import { Float64Adam } from "../nets/float64-adam.js";
import { proximal } from "../proximal.js";
import {
  computeLossAndGradient,
  computeMeanSquare,
  predictLayer,
  type FrozenLayers,
} from "./model.js";

/** The decay of Adam's mean of squared slopes per step, as in the paper. */
const beta2 = 0.999;

const schema = z
  .strictObject({
    source: noOwnData(
      "The task network measures the distance from a truth that only a simulation knows.",
    ),
    inputs: z.int().min(1).default(10).describe("Entries of x: columns of the change"),
    hidden: z.int().min(1).default(16).describe("Units of the hidden layer: rows of the change"),
    outputs: z.int().min(1).default(16).describe("Entries of y"),
    rank: z
      .int()
      .min(1)
      .default(2)
      .describe("Dimensions of the column space that the clients' changes share; at most hidden"),
    samples: z.int().min(1).default(240).describe("Training samples per client"),
    noise: z
      .number()
      .min(0)
      .default(0.5)
      .describe("Standard deviation of the noise on each output"),
    localSteps: z.int().min(1).default(400).describe("Adam steps per client and round"),
    learningRate: z.number().gt(0).default(0.02).describe("Learning rate of Adam"),
    proximal,
    testSamples: z.int().min(1).default(1000).describe("Fresh samples per evaluation"),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe(
        "Seed of everything that the clients share; their own parts follow the trial's seed",
      ),
  })
  .superRefine(({ hidden, rank }, context) => {
    if (rank <= hidden) return;
    const message = `expected at most hidden = ${hidden}, got ${rank}`;
    context.addIssue({ code: "custom", path: ["rank"], message });
  });

type Options = z.output<typeof schema>;

/** Ways to contaminate a client's training targets. */
const contaminations = new Map([
  ["shuffled", z.strictObject({}).describe("Targets go to the wrong samples")],
  ["negated", z.strictObject({}).describe("Targets change their sign")],
]);

/**
 * A hidden layer with a shared change: client k holds samples y = W₂·tanh((W₁ + D_k)·x) + noise
 * with x ~ N(0, 1). W₁ and W₂ are common and known. D_k = 2·U·C_k/√inputs, where the orthonormal U
 * (hidden×rank) is common too and each client has its own C_k ~ N(0, 1).
 *
 * The only module, `change` (hidden×inputs, float64), is an estimate of D_k. A client starts from
 * the params that it receives, runs Adam from a fresh state on all its samples, and answers with
 * the change. Evaluation reports `mse`, the mean squared error of an output against the client's
 * noiseless targets on fresh inputs.
 */
export const network: TaskPlugin = {
  name: "network",
  summary: "A neural network's hidden layer, whose true changes share a column space.",
  schema,
  contaminations: () => contaminations,
  metrics: {
    mse: { better: "lower", description: "mean squared error against noiseless targets" },
    loss: { better: "lower", description: "mean squared error against the training targets" },
  },
  primary: "mse",
  acceptsStale: () => true,
  holdsBack: true,
  create: (options: Options): Task => {
    const { inputs, hidden, outputs, rank } = options;
    const shared = stream(options.dataSeed);
    const base = {
      w1: gaussian(shared.at("w1"), hidden, inputs, 1 / Math.sqrt(inputs)),
      w2: gaussian(shared.at("w2"), outputs, hidden, 1 / Math.sqrt(hidden)),
    };
    const basis = thinQr(gaussian(shared.at("basis"), hidden, rank)).q;
    return {
      sharedSpaces: toParams(basis),
      start: () => Promise.resolve({ params: toParams(new Matrix(hidden, inputs)) }),
      openShard: (shard) => Promise.resolve(openShard(options, base, basis, shard)),
    };
  },
};

function openShard(
  options: Options,
  base: FrozenLayers,
  basis: Matrix,
  shard: Shard,
): LocalTrainer {
  const { inputs, samples, noise, localSteps, learningRate, proximal, testSamples } = options;
  const { rng, contamination } = shard;
  const coefficients = gaussian(rng.at("coefficients"), basis.cols, inputs);
  const truth = multiply(basis, coefficients).scale(2 / Math.sqrt(inputs));
  const trained = samples - countHeldBack(samples, shard.holdBack);
  /** Draws the samples in columns. */
  const drawSamples = (start: number, end: number) => {
    const x = gaussian(rng.at("train"), inputs, samples);
    const clean = predictLayer(base, truth, x);
    const minusNoise = gaussian(rng.at("noise"), clean.rows, samples, noise);
    const y = contaminate(subtract(clean, minusNoise), contamination, rng.at("contamination"));
    return { x: x.columns(start, end), y: y.columns(start, end) };
  };

  return {
    async train({ params, signal }) {
      const { x, y } = drawSamples(0, trained);
      const start = changeOf(params);
      const adam = new Float64Adam<"change">(beta2);
      let weights = { change: start };
      let loss = NaN;
      for (let step = 0; step < localSteps; step++) {
        const slope = computeLossAndGradient(base, weights.change, x, y);
        loss = slope.loss;
        if (proximal > 0) addScaled(slope.gradient, proximal, subtract(weights.change, start));
        weights = adam.step(weights, { change: slope.gradient }, learningRate);
        await setImmediate(undefined, { signal });
      }
      return {
        numExamples: trained,
        delta: toParams(subtract(weights.change, start)),
        metrics: { loss },
      };
    },

    measureHeldBack(params) {
      const { x, y } = drawSamples(trained, samples);
      return Promise.resolve(computeMeanSquare(predictLayer(base, changeOf(params), x), y));
    },

    evaluate(params) {
      const x = gaussian(rng.at("test"), inputs, testSamples);
      const mse = computeMeanSquare(
        predictLayer(base, changeOf(params), x),
        predictLayer(base, truth, x),
      );
      return Promise.resolve({ numExamples: testSamples, delta: new Map(), metrics: { mse } });
    },
  };
}

/** @param y outputs×samples */
function contaminate(y: Matrix, contamination: Contaminating | undefined, rng: Stream): Matrix {
  if (contamination?.kind === "negated") return y.scale(-1);
  if (contamination?.kind !== "shuffled") return y;
  const out = y.copy();
  rng.sample(indices(y.cols)).forEach((from, to) => {
    out.column(to).set(y.column(from));
  });
  return out;
}

function toParams(change: Matrix): Params {
  return new Map([["change", toTensor(change)]]);
}

function changeOf(params: Params): Matrix {
  const change = params.get("change");
  if (change === undefined) throw new Error("network: params without `change`");
  return toMatrix(change);
}
