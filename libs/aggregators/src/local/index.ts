import type { Aggregator, Plugin } from "@fedclair/core";
import { z } from "zod";

/** No collaboration: each client keeps its own change, and the global params never move. The baseline to beat. */
export const local: Plugin<Aggregator> = {
  name: "local",
  summary: "Lets each client go on from its own change alone.",
  schema: z.strictObject({}),
  create: () => ({
    aggregate: ({ updates }) =>
      Promise.resolve({
        global: [],
        personal: new Map(updates.map(({ clientId, delta }) => [clientId, [delta]])),
      }),
  }),
};
