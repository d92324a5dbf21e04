import type { Attack, Plugin, Update } from "@fedclair/core";
import { z } from "zod";
import { withoutChange } from "../forging.js";

const schema = z.strictObject({
  delay: z
    .int()
    .min(1)
    .default(2)
    .describe("The update is that of so many of the client's own rounds ago"),
});

/** What is still to be sent, oldest first, by client. */
type Late = ReadonlyMap<string, readonly Update[]>;

/**
 * A client whose results come `delay` rounds late: it sends what it trained then, from the params of then. Rounds are those in
 * which the client answered. Until its first result is due it changes nothing. A late result of another phase does not
 * fit, and is refused as it would be of any client.
 */
export const stale: Plugin<Attack> = {
  name: "stale",
  summary: "Honest training, but the result comes some rounds late.",
  schema,
  create: ({ delay }: z.output<typeof schema>): Attack<Late> => ({
    attackRound: ({ own }, late = new Map()) => {
      const state = new Map(late);
      const updates = own.map((update) => {
        const waiting = [...(late.get(update.clientId) ?? []), update];
        const due = waiting.length > delay ? waiting.shift() : undefined;
        state.set(update.clientId, waiting);
        return due ?? withoutChange(update);
      });
      return { updates, state };
    },
  }),
};
