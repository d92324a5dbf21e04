import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  probability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Probability that a training label is replaced"),
});

/**
 * Replaces each training label with the given probability by a class drawn uniformly, independently
 * for every label and client. The drawn class may be the true one, so a fraction of probability ·
 * (1 - 1/classes) of the labels is wrong.
 */
export const labelNoise: Plugin<Attack> = {
  name: "label-noise",
  summary: "Each training label becomes a random class with some probability.",
  schema,
  create: ({ probability }: z.output<typeof schema>): Attack => ({
    corruptLabels: (labels, classes, rng) =>
      labels.map((label) => (rng.uniform() < probability ? rng.int(classes) : label)),
  }),
};
