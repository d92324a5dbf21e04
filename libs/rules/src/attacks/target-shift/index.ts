import { UserError, type Attack, type Plugin } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  shift: z
    .int()
    .min(1)
    .default(7)
    .describe("Added to every training label, modulo the number of classes"),
});

/**
 * Changes label y to (y + shift) mod classes for all contaminated clients. They collude in learning
 * another task, so their updates agree with each other as those of benign clients do.
 */
export const targetShift: Plugin<Attack> = {
  name: "target-shift",
  summary: "Colluding: every training label is shifted by the same number of classes.",
  schema,
  create: ({ shift }: z.output<typeof schema>): Attack => ({
    corruptLabels: (labels, classes) => {
      if (shift % classes === 0) {
        throw new UserError(
          `target-shift: a shift of ${shift} leaves the labels of ${classes} classes as they are; ` +
            `choose one that is no multiple of ${classes}`,
        );
      }
      return labels.map((label) => (label + shift) % classes);
    },
  }),
};
