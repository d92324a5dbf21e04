import type { LocalTrainer, Shard } from "@fedclair/core";
import { addScaled, Matrix } from "@fedclair/linalg";
import { z, type ZodObject } from "zod";
import { computeTrace } from "./covariance.js";
import type { Options } from "./options.js";
import { packUpper } from "./packing.js";
import { drawCovariance } from "./signals.js";
import type { World } from "./world.js";

const none = z.strictObject({});

/** The ways in which a client's signals can be contaminated. */
export const contaminations: ReadonlyMap<string, ZodObject> = new Map<string, ZodObject>([
  ["othergraph", none.describe("Signals on a graph of the client's own")],
  ["collude", none.describe("Signals on another graph, the same one for all colluders")],
  ["noise", none.describe("White noise in place of signals")],
  ["permute", none.describe("Signals with the nodes in another order")],
  [
    "mixnoise",
    z
      .strictObject({
        ratio: z
          .number()
          .gt(0)
          .default(1)
          .describe("Mean variance of the noise relative to that of the signals, above 0"),
      })
      .describe(
        "A Wishart matrix with as many degrees of freedom as nodes, added to the covariance",
      ),
  ],
  [
    "scale",
    z
      .strictObject({
        factor: z
          .number()
          .gt(0)
          .default(10)
          .describe("Factor that multiplies the covariance, above 0"),
      })
      .describe("The covariance in another unit"),
  ],
]);

/** The contaminations of signals that were not simulated: nobody knows their graph. */
const ownContaminations = new Map(
  [...contaminations].filter(([kind]) => kind !== "othergraph" && kind !== "collude"),
);

export function contaminationsOf({ source }: Options): typeof contaminations {
  return source ? ownContaminations : contaminations;
}

/**
 * Opens a client that observes n_k private signals on all nodes. It answers with their covariance
 * as module `covariance`: the upper triangle with its diagonal, row by row. The signals stay with
 * the client.
 */
export function openShard(world: World, shard: Shard): LocalTrainer {
  const samples = world.countSignals(shard);
  return {
    async train() {
      const covariance = await contaminate(world, samples, shard);
      const upper = packUpper(covariance);
      return {
        numExamples: samples,
        delta: new Map([["covariance", { shape: [upper.length], data: upper }]]),
        metrics: {},
      };
    },
  };
}

async function contaminate(world: World, samples: number, shard: Shard): Promise<Matrix> {
  const { rng, contamination } = shard;
  const honest = () => world.observe(shard);
  const white = (count: number) =>
    drawCovariance(Matrix.identity(world.nodes), count, rng.at("noise"));
  if (!contamination) return await honest();
  switch (contamination.kind) {
    case "othergraph":
      return await world.observe(shard, rng);
    case "collude":
      return await world.observe(shard, contamination.common);
    case "noise":
      return await white(samples);
    case "permute":
      return await world.observePermuted(shard);
    case "mixnoise": {
      const covariance = await honest();
      const variance = computeTrace(covariance) / world.nodes;
      const ratio = Number(contamination.options.ratio);
      addScaled(covariance, ratio * variance, await white(world.nodes));
      return covariance;
    }
    case "scale":
      return (await honest()).scale(Number(contamination.options.factor));
    default:
      throw new Error(`graph-learning: no contamination '${contamination.kind}'`);
  }
}
