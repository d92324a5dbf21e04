// @ts-check
import { definePlugin } from "@fedclair/core";
import { z } from "zod";

/** Changes class y to classes − 1 − y in a share of the samples. */
export const mirrorLabels = definePlugin({
  kind: "attack",
  name: "mirror-labels",
  summary: "Mirrors labels: the first class becomes the last one.",
  schema: z.strictObject({
    share: z.number().gt(0).max(1).default(1).describe("Share of a client's labels to change."),
  }),

  create: ({ share }) => ({
    corruptLabels: (labels, classes, rng) =>
      labels.map((y) => (rng.uniform() < share ? classes - 1 - y : y)),
  }),
});

export default mirrorLabels;
