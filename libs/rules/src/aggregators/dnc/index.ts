import type { AggregatorPlugin } from "@fedclair/core";
import { indices, item } from "@fedclair/linalg";
import { z } from "zod";
import { fraction } from "../robust/contaminated.js";
import { meanWeights } from "../robust/mixture.js";
import { aggregateByRule, type Rule } from "../robust/rule.js";
import { findOutliers } from "./outliers.js";
import { computeSampleGram } from "./sample-gram.js";

const options = {
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
};
const schema = z.strictObject({ fraction, ...options });

type Options = z.infer<typeof schema>;

/** Creates the rule. The score of a point is the number of iterations that filter it out. */
function createDncRule({ iterations, coordinates }: Omit<Options, "fraction">): Rule {
  return async (points, f, rng) => {
    const scores = new Uint32Array(points.count);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const of = rng.at("coordinates", iteration);
      const sample = await computeSampleGram(points.modules, coordinates, of);
      for (const k of findOutliers(await points.mixGram(sample), f))
        scores[k] = item(scores, k) + 1;
    }
    const selected = indices(points.count).filter((k) => scores[k] === 0);
    const change = await points.combine(meanWeights(points.count, selected));
    return { change, selected, scores, threshold: 0 };
  };
}

export const dncRule = createDncRule(z.strictObject(options).parse({}));

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
  create: ({ fraction, ...rest }: Options) => {
    const rule = createDncRule(rest);
    return { aggregate: ({ updates, rng }) => aggregateByRule(rule, updates, fraction, rng) };
  },
};
