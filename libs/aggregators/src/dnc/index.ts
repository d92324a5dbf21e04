import {
  readNumbers,
  binaryVerdict,
  isLowRank,
  deltaShape,
  sizeOf,
  type Aggregation,
  type TensorDelta,
  type AggregatorPlugin,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { item, type Matrix, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { vectorToTensor, type Changes } from "../robust/blocks.js";
import { fraction, countPresumedContaminated } from "../robust/contaminated.js";
import { findOutliers, sampleIndices } from "../robust/divide-and-conquer.js";
import { gramOf } from "../robust/gram.js";
import { groupByModule } from "../robust/modules.js";

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

/**
 * Computes the Gram matrix of the changes at `count` coordinates sampled from all modules, or at
 * all coordinates if there are no more than that.
 */
function computeSampleGram(
  modules: readonly Changes[],
  count: number,
  rng: Stream,
): Promise<Matrix> {
  const sizes = modules.map(([first]) => (first === undefined ? 0 : sizeOf(deltaShape(first))));
  const length = sizes.reduce((total, size) => total + size, 0);
  if (count >= length) return gramOf(modules);
  const drawn = sampleIndices(rng, length, count);
  let start = 0;
  const sampled = modules.map((changes, m) => {
    const end = start + (sizes[m] ?? 0);
    const inside = drawn.filter((i) => i >= start && i < end).map((i) => i - start);
    start = end;
    return changes.map((change) =>
      vectorToTensor(Float64Array.from(inside, (i) => readEntry(change, i))),
    );
  });
  return gramOf(sampled);
}

/** Entry i of the flattened change. */
function readEntry(change: TensorDelta, i: number): number {
  if (!isLowRank(change)) return item(readNumbers(change), i);
  const { b, a } = change;
  const [rank = 0, cols = 0] = a.shape;
  const row = Math.floor(i / cols);
  let entry = 0;
  for (let l = 0; l < rank; l++) {
    entry += item(readNumbers(b), row * rank + l) * item(readNumbers(a), l * cols + (i % cols));
  }
  return entry;
}
