// @ts-check
import { definePlugin, scaleDelta } from "@fedclair/core";
import { z } from "zod";

/** Reverses a client's update. */
export const reverse = definePlugin({
  kind: "attack",
  name: "reverse",
  summary: "The opposite of the client's own update, scaled up.",
  schema: z.strictObject({
    strength: z
      .number()
      .positive()
      .default(3)
      .describe("The update is multiplied by minus this number."),
  }),

  create: ({ strength }) => ({
    corruptUpdate: (honest) => ({ ...honest, delta: scaleDelta(honest.delta, -strength) }),
  }),
});

export default reverse;
