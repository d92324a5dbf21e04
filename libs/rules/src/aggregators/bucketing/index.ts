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

const schema = z
  .strictObject({
    fraction,
    size: bucketSize,
    rule: z
      .union([ruleName, z.strictObject({ name: z.literal("nnm"), rule: ruleName })])
      .default("geometric-median")
      .describe(
        "Rule that aggregates the buckets, unweighted, with f buckets presumed contaminated and otherwise its defaults; " +
          "or { name: nnm, rule }, to mix each bucket with its nearest ones first.",
      ),
  })
  .refine(({ fraction, size }) => leavesMajority(fraction, size), {
    error: majorityAdvice,
    path: ["size"],
  });

/**
 * Bucketing (Karimireddy, He, Jaggi, ICLR 2022, arXiv 2006.09365) followed by another rule. In
 * random order, the changes form buckets of `size`, and the rule aggregates the means of the
 * buckets. Each of the f contaminated clients may be in a bucket of its own, so f counts buckets as
 * well. Low-rank pairs stay pairs unless the rule is coordinate-wise.
 */
export const bucketing: AggregatorPlugin = {
  name: "bucketing",
  summary: "Another robust rule, applied to the means of small random groups of clients.",
  acceptsStale: true,
  schema,
  create: ({ fraction, size, rule }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates, rng }) => {
      const f = countPresumedContaminated(fraction, updates.length);
      const buckets = mixBuckets(Mixture.of(updates), size, rng);
      const { change } =
        typeof rule === "string"
          ? await rules[rule](buckets, f, rng)
          : await rules[rule.rule](await mixNearest(buckets, f), f, rng);
      return { change, metrics: { f, buckets: buckets.count } };
    },
  }),
};
