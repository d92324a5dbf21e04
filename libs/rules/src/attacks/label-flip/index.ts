import { UserError, type Attack, type Plugin } from "@fedclair/core";
import { z } from "zod";

/**
 * Changes label y to classes - 1 - y (Fang et al., arXiv 1911.11815). With an odd number of classes
 * the middle one stays. For y + 1 use `target-shift` with `shift: 1`.
 */
export const labelFlip: Plugin<Attack> = {
  name: "label-flip",
  summary: "Colluding: every training label y becomes classes - 1 - y.",
  schema: z.strictObject({}),
  create: (): Attack => ({
    corruptLabels: (labels, classes) => {
      if (classes < 2) {
        throw new UserError(`label-flip: ${classes} class has nothing to flip to; use two or more`);
      }
      return labels.map((label) => classes - 1 - label);
    },
  }),
};
