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

const schema = z
  .strictObject({
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
      .describe("Share a of the coefficients that all have: a·C₀ + √(1 − a²)·C_k"),
    heterogeneity: z
      .number()
      .min(0)
      .default(0)
      .describe("Frobenius norm of each client's own part outside the shared space"),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Draws what the clients share; their own parts follow the trial's seed"),
  })
  .superRefine(({ p, rank, heterogeneity }, context) => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) refuse("rank", `expected at most p = ${p}, got ${rank}`);
    if (heterogeneity > 0 && rank >= p) {
      refuse(
        "heterogeneity",
        `nothing lies outside ${rank} of ${p} dimensions: expected 0, or a lower rank`,
      );
    }
  });

type Options = z.output<typeof schema>;

/**
 * Matrix denoising: client k sees X_k = D_k + noise·N(0, 1), where
 * D_k = U·(a·C₀ + √(1 − a²)·C_k) + H_k with the orthonormal U (p×rank) and C₀ common to all, entries of C₀ and C_k (rank×q)
 * N(0, 1/q), and H_k orthogonal to U, of norm `heterogeneity`. By default a = 0 and H_k = 0.
 *
 * Nothing is learnt: the one module `signal`, p×q, float64, is an estimate of D_k, and a client answers with what it sees
 * minus the params it starts from. It sees the same in every round, so the experiment has one round (see
 * `linearRegression`). Evaluation reports `error`, |params − D_k|², the squared Frobenius distance from the client's truth.
 *
 * The experiment's contaminated clients are the attacks `colluding-subspace` and `gaussian-update`.
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
  create: (options: Options): Task => {
    const { p, q, rank, dataSeed } = options;
    const shared = stream(dataSeed);
    const basis = thinQr(gaussian(shared.at("basis"), p, rank)).q;
    const coefficients = gaussian(shared.at("coefficients"), rank, q, 1 / Math.sqrt(q));
    return {
      start: () => Promise.resolve({ params: named(new Matrix(p, q)) }),
      openShard: ({ rng }) => {
        const truth = drawTruth(options, basis, coefficients, rng);
        const seen = truth.copy();
        addScaled(seen, options.noise, gaussian(rng.at("noise"), p, q));
        return Promise.resolve(trainer(seen, truth));
      },
    };
  },
};

/** One client's D_k. @param shared C₀ */
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

function trainer(seen: Matrix, truth: Matrix): LocalTrainer {
  const numExamples = 1;
  return {
    train: ({ params }) =>
      Promise.resolve({
        numExamples,
        delta: named(subtract(seen, signalOf(params))),
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

function named(signal: Matrix): Params {
  return new Map([["signal", toTensor(signal)]]);
}

function signalOf(params: Params): Matrix {
  const signal = params.get("signal");
  if (signal === undefined) throw new Error("denoising: params without `signal`");
  return toMatrix(signal);
}
