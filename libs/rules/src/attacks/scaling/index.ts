import { type Attack, type Plugin, scaleDelta } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  factor: z
    .number()
    .positive()
    .default(10)
    .describe(
      "The update is multiplied by this factor; a factor equal to the number of clients replaces a plain mean",
    ),
});

/**
 * Sends factor × the honestly trained update, to outweigh the other clients ("model replacement").
 * Source: Bagdasaryan et al. 2020, How to backdoor federated learning.
 */
export const scaling: Plugin<Attack> = {
  name: "scaling",
  summary: "The client's own update, enlarged.",
  schema,
  create: ({ factor }: z.output<typeof schema>): Attack => ({
    corruptUpdate: (honest) => ({ ...honest, delta: scaleDelta(honest.delta, factor) }),
  }),
};
