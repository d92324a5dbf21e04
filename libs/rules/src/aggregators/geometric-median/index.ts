import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { geometricMedianWeights } from "../robust/geometric-median.js";
import { groupByModule } from "../robust/modules.js";
import { createPointsForManyPasses } from "../robust/points.js";
import { weighting, computeWeights } from "../weights.js";

const schema = z.strictObject({
  weighting: weighting.default("samples"),
  nu: z
    .number()
    .positive()
    .default(1e-6)
    .describe("Smoothing, in units of the changes: distances below it count as this value."),
});

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
  create: (options: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const points = await createPointsForManyPasses([...groupByModule(updates).values()]);
      const weights = computeWeights(updates, options.weighting);
      const combined = await geometricMedianWeights(points, weights, options.nu);
      return { change: await combineProducts(updates, combined) };
    },
  }),
};
