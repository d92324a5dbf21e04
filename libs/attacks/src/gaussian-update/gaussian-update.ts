import { isLowRank, type Attack, type Plugin, type Tensor } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import { forgeAtMedianNorm } from "../forging.js";
import { tensorLike } from "../modules.js";

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
 * Source: CLAIR specification 8, Gaussian; 9.1, "gauss".
 */
export const gaussianUpdate: Plugin<Attack> = {
  name: "gaussian-update",
  summary: "Gaussian noise of the honest updates' median norm.",
  schema,
  create: ({ scale }: z.output<typeof schema>): Attack => ({
    forge: (own, honest, rng) =>
      forgeAtMedianNorm(own, honest, scale, (like, module, clientId) => {
        const noise = rng.at(clientId, module);
        if (!isLowRank(like)) return normalsLike(like, noise);
        return { b: normalsLike(like.b, noise.at("b")), a: normalsLike(like.a, noise.at("a")) };
      }),
  }),
};

function normalsLike(like: Tensor, rng: Stream): Tensor {
  return tensorLike(like, rng.normals(like.data.length));
}
