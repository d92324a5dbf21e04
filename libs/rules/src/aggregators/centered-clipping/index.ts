import type { AggregatorPlugin } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { centeredClipWeights, computeNorms } from "../robust/clipping.js";
import { groupByModule } from "../robust/modules.js";
import { createPoints } from "../robust/points.js";

const schema = z.strictObject({
  tau: z
    .number()
    .positive()
    .optional()
    .describe(
      "Distance from the center to which longer differences are clipped; default: the median norm of the round.",
    ),
  steps: z.int().min(1).default(3).describe("Number of steps from the center 0, at least 1."),
});

/**
 * Centered clipping (Karimireddy et al., arXiv 2012.10333): unweighted steps v ← v + mean of (X_k -
 * v)·min(1, τ/|X_k - v|) from v = 0. The result is a combination of the changes, so low-rank pairs
 * stay pairs.
 */
export const centeredClippingAggregator: AggregatorPlugin = {
  name: "centered-clipping",
  summary: "Moves from zero towards the clients' changes, with the pull of each client clipped.",
  acceptsStale: true,
  schema,
  create: ({ tau, steps }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const points = await createPoints([...groupByModule(updates).values()]);
      const most = tau ?? median(await computeNorms(points));
      return {
        change: await combineProducts(updates, await centeredClipWeights(points, most, steps)),
      };
    },
  }),
};
