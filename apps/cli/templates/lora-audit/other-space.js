// @ts-check
import { definePlugin } from "@fedclair/core";
import { z } from "zod";

/** A pair's B becomes another of the same norm, in a space of its own; what is no pair becomes other numbers of the same norm. */
export const otherSpace = definePlugin({
  kind: "attack",
  name: "other-space",
  summary: "Random factors B in place of those learnt, of the same norm.",
  schema: z.strictObject({
    factor: z.number().positive().default(1).describe("Times the norm of what was learnt."),
  }),

  create: ({ factor }) => ({
    corruptUpdate: (honest, rng) => {
      const delta = [...honest.delta].map(([name, module]) => {
        const own = rng.at(name);
        const forged =
          "b" in module
            ? { b: like(module.b, own, factor), a: module.a }
            : like(module, own, factor);
        return /** @type {const} */ ([name, forged]);
      });
      return { ...honest, delta: new Map(delta) };
    },
  }),
});

export default otherSpace;

/**
 * Random numbers of a tensor's shape, dtype and norm, times a factor.
 * @param {import("@fedclair/core").Tensor} tensor
 * @param {import("@fedclair/core").Stream} rng
 * @param {number} factor
 */
function like({ shape, data }, rng, factor) {
  const drawn = rng.normals(data.length);
  const scale = (factor * Math.hypot(...data)) / (Math.hypot(...drawn) || 1);
  return { shape, data: data.map((_, i) => scale * drawn[i]) };
}
