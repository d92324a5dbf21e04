import type { Attack, Plugin, Update } from "@fedclair/core";
import { z } from "zod";
import { removeChange } from "../forging.js";

const schema = z.strictObject({
  delay: z
    .int()
    .min(1)
    .default(2)
    .describe("Age of the update, in rounds in which the client took part"),
});

/** Updates that are yet to be sent, oldest first, by client. */
type Late = ReadonlyMap<string, readonly Update[]>;

/**
 * A client whose results are `delay` rounds late: it sends an update trained earlier, from the
 * params of that time. Only rounds in which the client answered count. Before its first result is
 * due it sends no change. A late result from another phase does not fit, and is rejected like that
 * of any client.
 */
export const stale: Plugin<Attack> = {
  name: "stale",
  summary: "Honest training, but the result is some rounds late.",
  schema,
  create: ({ delay }: z.output<typeof schema>): Attack<Late> => ({
    attackRound: ({ own }, late = new Map()) => {
      const state = new Map(late);
      const updates = own.map((update) => {
        const waiting = [...(late.get(update.clientId) ?? []), update];
        const due = waiting.length > delay ? waiting.shift() : undefined;
        state.set(update.clientId, waiting);
        return due ?? removeChange(update);
      });
      return { updates, state };
    },
  }),
};
