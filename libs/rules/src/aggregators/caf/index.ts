import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { Mixture } from "../robust/mixture.js";
import { filterWeights } from "./weights.js";

const schema = z.strictObject({ fraction });

/**
 * Covariance-bound agnostic filter (CAF, Allouah, Guerraoui, Stephan, ICML 2025): a
 * weighted mean. Step by step, clients lose weight that lie far out along the direction in which
 * the changes differ most, and the mean with the smallest variance counts. Low-rank pairs stay
 * pairs.
 */
export const cafAggregator: AggregatorPlugin = {
  name: "caf",
  summary: "A weighted mean; clients far out where the changes differ most lose weight (CAF).",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const mixture = Mixture.of(updates);
      const f = countPresumedContaminated(fraction, mixture.count);
      const weights = await filterWeights(await mixture.gram(), f);
      return { change: await mixture.combine(weights), metrics: { f } };
    },
  }),
};
