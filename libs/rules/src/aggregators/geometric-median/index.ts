import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { Mixture, meanWeights } from "../robust/mixture.js";
import type { Rule } from "../robust/rule.js";
import { weighting, computeWeights } from "../weights.js";
import { geometricMedianWeights } from "./weights.js";

const schema = z.strictObject({
  weighting: weighting.default("samples"),
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
  create: ({ weighting, nu }: z.infer<typeof schema>) => ({
    aggregate: ({ updates }) => {
      const points = Mixture.of(updates);
      return findMedian(points, computeWeights(points.updates, weighting), nu);
    },
  }),
};
