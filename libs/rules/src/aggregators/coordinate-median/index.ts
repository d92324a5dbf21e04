import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { medianOf } from "../robust/coordinates.js";
import { Mixture } from "../robust/mixture.js";
import type { Rule } from "../robust/rule.js";

export const coordinateMedianRule: Rule = async (points) => ({
  change: await points.reduce(medianOf),
});

/**
 * The unweighted median of every coordinate (Yin et al., arXiv 1803.01498). Low-rank pairs are
 * multiplied out block by block and the change is dense, because a median does not preserve low
 * rank.
 */
export const coordinateMedianAggregator: AggregatorPlugin = {
  name: "coordinate-median",
  summary: "The median of every coordinate of the clients' changes; dense.",
  acceptsStale: true,
  schema: z.strictObject({}),
  create: () => ({
    aggregate: async ({ updates }) => ({ change: await Mixture.of(updates).reduce(medianOf) }),
  }),
};
