// @ts-check
import { definePlugin, readNumbers } from "@fedclair/core";
import { z } from "zod";

/**
 * Replaces B of each low-rank pair by random numbers of the same norm, which have a column space of
 * their own. Dense changes become random numbers of the same norm.
 */
export const otherSpace = definePlugin({
  kind: "attack",
  name: "other-space",
  summary: "Replaces the factors B by random ones of the same norm.",
  schema: z.strictObject({
    factor: z
      .number()
      .positive()
      .default(1)
      .describe("Norm of the random numbers, as a multiple of the original norm."),
  }),

  create: ({ factor }) => ({
    corruptUpdate: (honest, rng) => {
      const delta = [...honest.delta].map(([name, module]) => {
        const own = rng.at(name);
        const replaced =
          "b" in module
            ? { b: drawLike(module.b, own, factor), a: module.a }
            : drawLike(module, own, factor);
        return /** @type {const} */ ([name, replaced]);
      });
      return { ...honest, delta: new Map(delta) };
    },
  }),
});

export default otherSpace;

/**
 * Draws random numbers with the shape, dtype and norm of a tensor, multiplied by a factor.
 * @param {import("@fedclair/core").Tensor} tensor
 * @param {import("@fedclair/core").Stream} rng
 * @param {number} factor
 */
function drawLike(tensor, rng, factor) {
  const data = readNumbers(tensor);
  const drawn = rng.normals(data.length);
  const scale = (factor * Math.hypot(...data)) / (Math.hypot(...drawn) || 1);
  return { shape: tensor.shape, data: data.map((_, i) => scale * drawn[i]) };
}
