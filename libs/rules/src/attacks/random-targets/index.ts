import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";

/** Replaces every training label by a class drawn uniformly, so there is nothing left to learn. */
export const randomTargets: Plugin<Attack> = {
  name: "random-targets",
  summary: "Every training label becomes a random class.",
  schema: z.strictObject({}),
  create: (): Attack => ({
    corruptLabels: (labels, classes, rng) => labels.map(() => rng.int(classes)),
  }),
};
