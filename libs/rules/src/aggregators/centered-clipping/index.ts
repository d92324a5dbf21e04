import type { AggregatorPlugin } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { z } from "zod";
import { centeredClipWeights, computeNorms } from "../robust/clipping.js";
import { Mixture } from "../robust/mixture.js";
import type { Rule } from "../robust/rule.js";

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

async function clipAroundCenter(mixture: Mixture, { tau, steps }: z.infer<typeof schema>) {
  const points = await mixture.points();
  const most = tau ?? median(await computeNorms(points));
  return { change: await mixture.combine(await centeredClipWeights(points, most, steps)) };
}

export const centeredClippingRule: Rule = (points) => clipAroundCenter(points, schema.parse({}));

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
  create: (options: z.infer<typeof schema>) => ({
    aggregate: ({ updates }) => clipAroundCenter(Mixture.of(updates), options),
  }),
};
