import {
  toMatrix,
  toTensor,
  type LocalTrainer,
  type Params,
  type Task,
  type TaskPlugin,
} from "@fedclair/core";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  multiply,
  multiplyTN,
  stream,
  subtract,
  thinQr,
  type Stream,
} from "@fedclair/linalg";
import { z } from "zod";
import { noOwnData } from "../data/own-data.js";

const schema = z
  .strictObject({
    source: noOwnData(
      "The task denoising measures the distance from a truth that only a simulation knows.",
    ),
    p: z.int().min(1).default(24).describe("Rows of the matrices"),
    q: z.int().min(1).default(16).describe("Columns of the matrices"),
    rank: z
      .int()
      .min(1)
      .default(3)
      .describe("Dimensions of the column space that the clients' matrices share; at most p"),
    noise: z
      .number()
      .min(0)
      .default(0.02)
      .describe("Standard deviation of the noise on each entry that a client sees"),
    common: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("Weight a of the common coefficients C₀ in a·C₀ + √(1 − a²)·C_k"),
    heterogeneity: z
      .number()
      .min(0)
      .default(0)
      .describe("Frobenius norm of each client's own part outside the shared space"),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe(
        "Seed of everything that the clients share; their own parts follow the trial's seed",
      ),
  })
  .superRefine(({ p, rank, heterogeneity }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) reject("rank", `expected at most p = ${p}, got ${rank}`);
    if (heterogeneity > 0 && rank >= p) {
      reject(
        "heterogeneity",
        `nothing lies outside ${rank} of ${p} dimensions: expected 0, or a lower rank`,
      );
    }
  });

type Options = z.output<typeof schema>;

/**
 * Matrix denoising: client k sees X_k = D_k + noise·N(0, 1) with D_k = U·(a·C₀ + √(1 − a²)·C_k) +
 * H_k. The orthonormal U (p×rank) and C₀ are common to all clients. The entries of C₀ and C_k
 * (rank×q) are N(0, 1/q), and H_k is orthogonal to U with norm `heterogeneity`. By default a = 0
 * and H_k = 0.
 *
 * There is no training: the only module, `signal` (p×q, float64), is an estimate of D_k, and a
 * client answers with its observation minus the params from which it starts. The observation is the
 * same in every round, so the experiment has one round (see `linearRegression`). Evaluation reports
 * `error`, |params − D_k|², the squared Frobenius distance from the client's truth.
 *
 * To hold back a share h, the observation is taken as the mean of many noisier ones. Without the
 * share the mean has noise σ/√(1 − h), and the mean of the share itself has noise σ/√h.
 *
 * The experiment's contaminated clients run the attacks `colluding-subspace` and `gaussian-update`.
 */
export const denoising: TaskPlugin = {
  name: "denoising",
  summary: "Noisy matrices that share a column space.",
  schema,
  metrics: {
    error: { better: "lower", description: "squared Frobenius distance from the client's truth" },
  },
  primary: "error",
  acceptsStale: () => true,
  holdsBack: true,
  create: (options: Options): Task => {
    const { p, q, rank, dataSeed } = options;
    const shared = stream(dataSeed);
    const basis = thinQr(gaussian(shared.at("basis"), p, rank)).q;
    const coefficients = gaussian(shared.at("coefficients"), rank, q, 1 / Math.sqrt(q));
    return {
      sharedSpaces: toParams(basis),
      start: () => Promise.resolve({ params: toParams(new Matrix(p, q)) }),
      openShard: ({ rng, holdBack = 0 }) => {
        const truth = drawTruth(options, basis, coefficients, rng);
        const observe = (share: number, of: Stream) => {
          const observation = truth.copy();
          addScaled(observation, options.noise / Math.sqrt(share), gaussian(of, p, q));
          return observation;
        };
        const observation = observe(1 - holdBack, rng.at("noise"));
        const heldBack = holdBack > 0 ? observe(holdBack, rng.at("held-back")) : undefined;
        return Promise.resolve(createTrainer(observation, heldBack, truth));
      },
    };
  },
};

/**
 * Draws one client's D_k.
 * @param shared C₀
 */
function drawTruth(
  { p, q, rank, common, heterogeneity }: Options,
  basis: Matrix,
  shared: Matrix,
  rng: Stream,
): Matrix {
  const coefficients = shared.scale(common);
  const own = gaussian(rng.at("coefficients"), rank, q, 1 / Math.sqrt(q));
  addScaled(coefficients, Math.sqrt(1 - common ** 2), own);
  const truth = multiply(basis, coefficients);
  if (heterogeneity > 0) {
    const outside = gaussian(rng.at("heterogeneity"), p, q);
    addScaled(outside, -1, multiply(basis, multiplyTN(basis, outside)));
    addScaled(truth, heterogeneity / frobenius(outside), outside);
  }
  return truth;
}

function createTrainer(
  observation: Matrix,
  heldBack: Matrix | undefined,
  truth: Matrix,
): LocalTrainer {
  const numExamples = 1;
  return {
    ...(heldBack && {
      measureHeldBack: (params) => {
        const squares = frobenius(subtract(signalOf(params), heldBack)) ** 2;
        return Promise.resolve(squares / heldBack.data.length);
      },
    }),
    train: ({ params }) =>
      Promise.resolve({
        numExamples,
        delta: toParams(subtract(observation, signalOf(params))),
        metrics: {},
      }),
    evaluate: (params) =>
      Promise.resolve({
        numExamples,
        delta: new Map(),
        metrics: { error: frobenius(subtract(signalOf(params), truth)) ** 2 },
      }),
  };
}

function toParams(signal: Matrix): Params {
  return new Map([["signal", toTensor(signal)]]);
}

function signalOf(params: Params): Matrix {
  const signal = params.get("signal");
  if (signal === undefined) throw new Error("denoising: params without `signal`");
  return toMatrix(signal);
}
