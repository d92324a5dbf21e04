import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";

/**
 * No collaboration: each client keeps its own change, and the shared params never change. This is
 * the baseline that collaboration has to beat.
 */
export const local: AggregatorPlugin = {
  name: "local",
  summary: "Lets each client continue from its own change only.",
  personalOnly: true,
  schema: z.strictObject({}),
  create: () => ({
    changesPersonal: true,
    aggregate: ({ updates }) =>
      Promise.resolve({
        change: [],
        personal: new Map(updates.map(({ clientId, delta }) => [clientId, [delta]])),
      }),
  }),
};
