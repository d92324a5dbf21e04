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
 * Sends Gaussian noise: the entries of every module, or of both factors of a pair, are N(0, 1),
 * scaled to `scale` × the median Frobenius norm of the module's honest updates. Independent between
 * clients. Omniscient.
 */
export const gaussianUpdate: Plugin<Attack> = {
  name: "gaussian-update",
  summary: "Gaussian noise of the honest updates' median norm.",
  schema,
  create: ({ scale }: z.output<typeof schema>): Attack => ({
    attackRound: (round) => ({
      updates: forgeAtMedianNorm(round, scale, (like, module, clientId) =>
        normalsLike(like, round.rng.at(clientId, module)),
      ),
    }),
  }),
};
