import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { Mixture, meanWeights } from "../robust/mixture.js";
import type { Rule } from "../robust/rule.js";
import { exampleLimit, weigh, weighting } from "../weights.js";
import { geometricMedianWeights } from "./weights.js";

const schema = z.strictObject({
  weighting: weighting.default("uniform"),
  exampleLimit,
  nu: z
    .number()
    .positive()
    .default(1e-6)
    .describe("Smoothing, in units of the changes: distances below it count as this value."),
});

async function findMedian(mixture: Mixture, weights: Float64Array, nu?: number) {
  const combined = await geometricMedianWeights(await mixture.points(true), weights, nu);
  return { change: await mixture.combine(combined) };
}

export const geometricMedianRule: Rule = (points) => findMedian(points, meanWeights(points.count));

/**
 * The geometric median (RFA, Pillutla et al., arXiv 1912.13445): the point with the smallest
 * weighted sum of distances to the clients' changes. It is a weighted mean of the changes, so
 * low-rank pairs stay pairs.
 */
export const geometricMedianAggregator: AggregatorPlugin = {
  name: "geometric-median",
  summary: "The point with the smallest sum of distances to the clients' changes (RFA).",
  acceptsStale: true,
  schema,
  create: ({ nu, ...options }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const points = Mixture.of(updates);
      const { weights, told } = weigh(points.updates, options);
      return { ...(await findMedian(points, weights, nu)), ...told };
    },
  }),
};
