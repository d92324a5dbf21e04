import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";
import { forgeAtMedianNorm, normalsLike } from "../forging.js";

const schema = z.strictObject({
  scale: z
    .number()
    .positive()
    .default(1)
    .describe("Norm of a forged module, in median norms of the honest updates"),
});

/**
 * Sends Gaussian noise: every module's entries are N(0, 1), or the entries of both its factors are, scaled to `scale` × the
 * median Frobenius norm of the honest updates of that module. Independent between clients. Omniscient.
 */
export const gaussianUpdate: Plugin<Attack> = {
  name: "gaussian-update",
  summary: "Gaussian noise of the honest updates' median norm.",
  schema,
  create: ({ scale }: z.output<typeof schema>): Attack => ({
    attackRound: (seen) => ({
      updates: forgeAtMedianNorm(seen, scale, (like, module, clientId) =>
        normalsLike(like, seen.rng.at(clientId, module)),
      ),
    }),
  }),
};
