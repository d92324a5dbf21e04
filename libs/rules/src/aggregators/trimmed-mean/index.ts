import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { createTrimmedMean } from "../robust/coordinates.js";
import { Mixture } from "../robust/mixture.js";
import type { Rule } from "../robust/rule.js";

const schema = z.strictObject({
  beta: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0.2)
    .describe("Share of the values dropped at each end of every coordinate, in [0, 1/2)."),
});

export const trimmedMeanRule: Rule = async (points, f) => ({
  change: await points.reduce(createTrimmedMean(f)),
});

/**
 * The unweighted mean of every coordinate without its ⌊β·K⌋ largest and smallest values (Yin et
 * al., arXiv 1803.01498). Low-rank pairs are multiplied out block by block, and the change is
 * dense.
 */
export const trimmedMeanAggregator: AggregatorPlugin = {
  name: "trimmed-mean",
  summary: "The mean of every coordinate without its largest and smallest values; dense.",
  acceptsStale: true,
  schema,
  create: ({ beta }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const rule = createTrimmedMean(Math.floor(beta * updates.length));
      return { change: await Mixture.of(updates).reduce(rule) };
    },
  }),
};
