import { type Attack, type Plugin, scaleDelta } from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  scale: z.number().positive().default(1).describe("The update is multiplied by minus this"),
});

/**
 * Sends -scale × the honestly trained update. It stays in the benign subspace, where CLAIR cannot
 * detect it (and where it does no harm to personal models).
 */
export const signFlip: Plugin<Attack> = {
  name: "sign-flip",
  summary: "The client's own update, negated.",
  schema,
  create: ({ scale }: z.output<typeof schema>): Attack => ({
    corruptUpdate: (honest) => ({ ...honest, delta: scaleDelta(honest.delta, -scale) }),
  }),
};
