import {
  readNumbers,
  isLowRank,
  maxAbs,
  tensorsOf,
  yieldToEventLoop,
  type Mod,
  type Passed,
  type Plugin,
  type Received,
  type Tensor,
  type TensorDelta,
  type TrainResult,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import { computeEpsilon } from "./accountant.js";

const schema = z.strictObject({
  clip: z
    .number()
    .positive()
    .describe(
      "Maximum L2 norm of a client's whole update: of all numbers that it sends, including both factors of low-rank pairs. Longer updates are scaled down to it",
    ),
  noiseMultiplier: z
    .number()
    .min(0)
    .describe(
      "Standard deviation of the noise on every number, in units of clip; 0: clipping only",
    ),
  delta: z
    .number()
    .gt(0)
    .lt(1)
    .default(1e-5)
    .describe("Delta of the (epsilon, delta)-differential privacy for which epsilon is computed"),
  sampling: z
    .enum(["known", "secret"])
    .default("known")
    .describe(
      "known: epsilon protects against anyone who sees the update and knows its sender, such as the coordinator. secret: against anyone who sees only the sum of each round and not who took part",
    ),
});

type Options = z.output<typeof schema>;

/** Number of rounds charged, by payer and by sampling rate. */
type Ledger = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The payer if nobody sees who takes part. */
const everyone = "";

/**
 * Local differential privacy of every client's data: before an update leaves, the client clips it
 * to `clip` and adds N(0, (noiseMultiplier · clip)²) to every number. Nothing else derived from the
 * data is sent: metrics are dropped, and the number of examples is 1.
 *
 * `known`: hides the data of a client from anyone who sees all of its updates. This is the Gaussian
 * mechanism of sensitivity 2·clip, counted once for each round in which the client was asked,
 * whether its answer was admitted or not.
 *
 * `secret`: accounts as DP-FedAvg does (McMahan et al., arXiv 1710.06963). A client takes part or
 * not, with sensitivity clip, and every round counts for all clients as a Poisson sample at the
 * rate of the cohort.
 */
export const differentialPrivacy: Plugin<Mod> = {
  name: "differential-privacy",
  summary: "Clips every update and adds Gaussian noise, and accounts for epsilon.",
  schema,
  create: (options: Options): Mod<Ledger> => ({
    client: async (result, { rng }) => await privatiseUpdate(result, options, rng),
    ...(options.noiseMultiplier > 0 && {
      server: (received, ledger = new Map<string, ReadonlyMap<number, number>>()) =>
        chargeRound(received, ledger, options),
    }),
  }),
};

async function privatiseUpdate(
  { delta }: TrainResult,
  { clip, noiseMultiplier }: Options,
  rng: Stream,
): Promise<TrainResult> {
  const norm = computeNorm([...delta.values()].flatMap(tensorsOf));
  // A non-finite update would be rejected, which reveals something about the data, so the client
  // sends only noise instead.
  const factor = Number.isFinite(norm) ? Math.min(1, clip / norm) : 0;
  const privatise = async (tensor: Tensor): Promise<Tensor> => {
    const clear = readNumbers(tensor);
    const data = clear.slice();
    for (let i = 0; i < data.length; i++) {
      if (i % 65_536 === 0) await yieldToEventLoop();
      const clipped = factor === 0 ? 0 : factor * (clear[i] as number);
      // Noise is added in float64. Rounding to float32 comes afterwards and costs no privacy.
      data[i] = clipped + noiseMultiplier * clip * rng.normal();
    }
    return { shape: tensor.shape, data };
  };
  const modules = new Map<string, TensorDelta>();
  for (const [name, change] of delta) {
    const isPair = isLowRank(change);
    modules.set(
      name,
      isPair
        ? { b: await privatise(change.b), a: await privatise(change.a) }
        : await privatise(change),
    );
  }
  return { numExamples: 1, delta: modules, metrics: {} };
}

/**
 * The norm of all numbers together, without intermediate overflow. NaN or Infinity if a number is,
 * and Infinity if the norm itself overflows.
 */
function computeNorm(tensors: readonly Tensor[]): number {
  const largest = Math.max(0, ...tensors.map((tensor) => maxAbs(readNumbers(tensor))));
  if (largest === 0) return 0;
  let squares = 0;
  for (const tensor of tensors) {
    const data = readNumbers(tensor);
    for (let i = 0; i < data.length; i++) squares += ((data[i] as number) / largest) ** 2;
  }
  return largest * Math.sqrt(squares);
}

/** Charges a round, and reports the total epsilon of each client in the cohort. */
function chargeRound(
  { cohort, clientIds }: Received,
  before: Ledger,
  { noiseMultiplier, sampling, delta }: Options,
): Passed<Ledger> {
  const isSecret = sampling === "secret";
  const rate = isSecret ? cohort.length / clientIds.length : 1;
  const ledger = new Map(before);
  for (const payer of isSecret ? [everyone] : cohort) {
    const rounds = ledger.get(payer) ?? new Map<number, number>();
    ledger.set(payer, new Map([...rounds, [rate, (rounds.get(rate) ?? 0) + 1]]));
  }
  // Replacing a client's data can move the update across the whole ball; removing the client moves
  // it half as far.
  const effective = isSecret ? noiseMultiplier : noiseMultiplier / 2;
  const metrics = cohort.map((clientId) => {
    const rounds = ledger.get(isSecret ? everyone : clientId) ?? new Map<number, number>();
    const uses = [...rounds].map(([samplingRate, count]) => {
      return { noiseMultiplier: effective, samplingRate, rounds: count };
    });
    return [clientId, { epsilon: computeEpsilon(uses, delta) }] as const;
  });
  return { metrics: new Map(metrics), state: ledger };
}
