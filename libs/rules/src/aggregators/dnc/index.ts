import {
  binaryVerdict,
  type Aggregation,
  type AggregatorPlugin,
  type Update,
  type Verdict,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { fraction, countPresumedContaminated } from "../robust/contaminated.js";
import { findOutliers } from "../robust/divide-and-conquer.js";
import { groupByModule } from "../robust/modules.js";
import { computeSampleGram } from "./sample-gram.js";

const schema = z.strictObject({
  fraction,
  iterations: z
    .int()
    .min(1)
    .default(1)
    .describe("Number of times that f clients are filtered out, each time on other coordinates."),
  coordinates: z
    .int()
    .min(1)
    .default(10_000)
    .describe("Coordinates sampled in each iteration; all of them if the model has no more."),
});

type Options = z.infer<typeof schema>;

/**
 * Divide and conquer (DnC, Shejwalkar and Houmansadr, NDSS 2021, algorithm 2, filtering fraction c
 * = 1). Each iteration filters out the f clients that lie furthest along the direction in which the
 * changes differ most. The result is the unweighted mean of the clients that no iteration filtered
 * out. Low-rank pairs stay pairs; only their sampled coordinates are multiplied out.
 */
export const dnc: AggregatorPlugin = {
  name: "dnc",
  summary:
    "Filters out the clients furthest along the direction in which changes differ most (DnC).",
  acceptsStale: true,
  schema,
  create: (options: Options) => ({
    aggregate: ({ updates, rng }) => divideAndConquer(updates, options, rng),
  }),
};

async function divideAndConquer(
  updates: readonly Update[],
  { fraction, iterations, coordinates }: Options,
  rng: Stream,
): Promise<Aggregation> {
  const f = countPresumedContaminated(fraction, updates.length);
  const modules = [...groupByModule(updates).values()];
  const filtered = new Map<number, number>();
  for (let iteration = 0; iteration < iterations; iteration++) {
    const gram = await computeSampleGram(modules, coordinates, rng.at("coordinates", iteration));
    for (const k of findOutliers(gram, f)) filtered.set(k, (filtered.get(k) ?? 0) + 1);
  }
  const left = updates.length - filtered.size;
  const weights = updates.map((_, k) => (filtered.has(k) ? 0 : 1 / left));
  const verdicts = updates.map(({ clientId }, k): Verdict => {
    const score = filtered.get(k) ?? 0;
    return binaryVerdict(clientId, score > 0, score, 0);
  });
  return { change: await combineProducts(updates, weights), verdicts, metrics: { f } };
}
