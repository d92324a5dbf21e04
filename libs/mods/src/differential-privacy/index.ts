import {
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
import { epsilonOf } from "./accountant.js";

const schema = z.strictObject({
  clip: z
    .number()
    .positive()
    .describe(
      "L2 norm of a client's whole update at most: of all numbers that it sends, of low-rank pairs those of both factors. A longer one is shortened to it",
    ),
  noiseMultiplier: z
    .number()
    .min(0)
    .describe("Standard deviation of the noise on every number, in clips; 0: clipping alone"),
  delta: z
    .number()
    .gt(0)
    .lt(1)
    .default(1e-5)
    .describe("Epsilon is that of (epsilon, delta)-differential privacy"),
  sampling: z
    .enum(["known", "secret"])
    .default("known")
    .describe(
      "known: epsilon protects against whoever sees the update and knows who sent it, as the coordinator. secret: against who sees sums of rounds alone and not who took part",
    ),
});

type Options = z.output<typeof schema>;

/** Rounds that were paid for, by who pays and by sampling rate. */
type Ledger = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Who pays where nobody sees who takes part. */
const everyone = "";

/**
 * Differential privacy of every client's data (local): each client clips its update to `clip` and adds N(0, (noiseMultiplier ·
 * clip)²) to every number of it, before it leaves. Nothing else that depends on its data goes with it: no metrics, and the
 * number of examples is 1.
 *
 * `known`: any data of the client might as well have been any other, to whoever sees all of its updates: the Gaussian
 * mechanism of sensitivity 2·clip, once for each round that it was asked in, whether its answer was admitted or not.
 * `secret`: as DP-FedAvg is accounted (McMahan et al., arXiv 1710.06963): a client is there or not, sensitivity clip, and
 * every round counts for all as a Poisson sample of the cohort's share of the clients.
 */
export const differentialPrivacy: Plugin<Mod> = {
  name: "differential-privacy",
  summary: "Clips every update and adds Gaussian noise, and accounts for epsilon.",
  schema,
  create: (options: Options): Mod<Ledger> => ({
    client: async (result, { rng }) => await privatised(result, options, rng),
    ...(options.noiseMultiplier > 0 && {
      server: (received, ledger = new Map<string, ReadonlyMap<number, number>>()) =>
        charged(received, ledger, options),
    }),
  }),
};

async function privatised(
  { delta }: TrainResult,
  { clip, noiseMultiplier }: Options,
  rng: Stream,
): Promise<TrainResult> {
  const norm = normOf([...delta.values()].flatMap(tensorsOf));
  // What is not finite would be refused, and so tell something of the data: noise alone goes in its place.
  const factor = Number.isFinite(norm) ? Math.min(1, clip / norm) : 0;
  const privatise = async ({ shape, data: clear }: Tensor): Promise<Tensor> => {
    const data = clear.slice();
    for (let i = 0; i < data.length; i++) {
      if (i % 65_536 === 0) await yieldToEventLoop();
      const clipped = factor === 0 ? 0 : factor * (clear[i] as number);
      // In float64: rounding to float32 comes after the noise, and costs no privacy.
      data[i] = clipped + noiseMultiplier * clip * rng.normal();
    }
    return { shape, data };
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

/** Of all numbers together, without overflow on the way; NaN or Infinity if one of them is, or it is beyond all numbers. */
function normOf(tensors: readonly Tensor[]): number {
  const largest = Math.max(0, ...tensors.map(({ data }) => maxAbs(data)));
  if (largest === 0) return 0;
  let squares = 0;
  for (const { data } of tensors) {
    for (let i = 0; i < data.length; i++) squares += ((data[i] as number) / largest) ** 2;
  }
  return largest * Math.sqrt(squares);
}

/** The round is paid for, and the clients of the cohort are told of all that was. */
function charged(
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
  // Replaced data move an update from one end of the ball to the other; a client that is gone moves it half as far.
  const effective = isSecret ? noiseMultiplier : noiseMultiplier / 2;
  const told = cohort.map((clientId) => {
    const rounds = ledger.get(isSecret ? everyone : clientId) ?? new Map<number, number>();
    const spent = [...rounds].map(([samplingRate, count]) => {
      return { noiseMultiplier: effective, samplingRate, rounds: count };
    });
    return [clientId, { epsilon: epsilonOf(spent, delta) }] as const;
  });
  return { metrics: new Map(told), state: ledger };
}
