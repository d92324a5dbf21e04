import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import {
  bucketSize,
  leavesMajority,
  majorityAdvice,
  mixBuckets,
  mixNearest,
} from "../robust/mixing.js";
import { Mixture } from "../robust/mixture.js";
import { ruleName, rules } from "../rules.js";

const bucketing = { name: z.literal("bucketing"), size: bucketSize, rule: ruleName };

const schema = z
  .strictObject({
    fraction,
    rule: z
      .union([ruleName, z.strictObject(bucketing)])
      .default("geometric-median")
      .describe(
        "Rule that aggregates the mixed changes, unweighted, with the same f and otherwise its defaults; " +
          "or { name: bucketing, size, rule }, to put them into buckets first.",
      ),
  })
  .refine(({ fraction, rule }) => typeof rule === "string" || leavesMajority(fraction, rule.size), {
    error: majorityAdvice,
    path: ["rule", "size"],
  });

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772) followed by another
 * rule. Every change is first replaced by Y_i, the mean of the K - f changes nearest to X_i,
 * including X_i itself. If the rule only weights the Y_i, these weights translate into weights of
 * the X_k, so low-rank pairs stay pairs. With a coordinate-wise rule the change is dense.
 */
export const nnm: AggregatorPlugin = {
  name: "nnm",
  summary:
    "Another robust rule, applied to changes that were averaged with their nearest neighbours.",
  acceptsStale: true,
  schema,
  create: ({ fraction, rule }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates, rng }) => {
      const f = countPresumedContaminated(fraction, updates.length);
      const mixed = await mixNearest(Mixture.of(updates), f);
      const { change } =
        typeof rule === "string"
          ? await rules[rule](mixed, f, rng)
          : await rules[rule.rule](mixBuckets(mixed, rule.size, rng), f, rng);
      return { change, metrics: { f } };
    },
  }),
};
