import type { AggregatorPlugin } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { z } from "zod";
import { normClipWeights, computeNorms } from "../robust/clipping.js";
import { meanWeights, Mixture } from "../robust/mixture.js";
import { groupByModule } from "../robust/modules.js";
import { createPoints } from "../robust/points.js";
import type { Rule } from "../robust/rule.js";
import { streamMean } from "../streamed-sum.js";
import { exampleLimit, SampleCounter, weigh, weighting } from "../weights.js";

const schema = z.strictObject({
  weighting: weighting.default("uniform"),
  exampleLimit,
  most: z
    .number()
    .positive()
    .optional()
    .describe("Norm to which longer changes are clipped; default: the median norm of the round."),
});

async function clipNorms(mixture: Mixture, weights: Float64Array, most?: number) {
  const norms = await computeNorms(await mixture.points());
  return { change: await mixture.combine(normClipWeights(norms, weights, most ?? median(norms))) };
}

export const normClipRule: Rule = (points) => clipNorms(points, meanWeights(points.count));

/**
 * The mean of the clients' changes, each clipped to a maximum norm over all modules together (Sun
 * et al., arXiv 1911.07963).
 */
export const normClipAggregator: AggregatorPlugin = {
  name: "norm-clip",
  summary: "The mean of the clients' changes after clipping long ones.",
  acceptsStale: true,
  schema,
  create: ({ most, ...options }: z.infer<typeof schema>) => ({
    // The median norm is known only when all updates are there.
    ...(most !== undefined && {
      stream: () =>
        streamMean(new SampleCounter(options), async (updates, weights) => {
          const points = await createPoints([...groupByModule(updates).values()]);
          return normClipWeights(await computeNorms(points), weights, most);
        }),
    }),
    aggregate: async ({ updates }) => {
      const points = Mixture.of(updates);
      const { weights, told } = weigh(points.updates, options);
      return { ...(await clipNorms(points, weights, most)), ...told };
    },
  }),
};
