import {
  combineParams,
  dotParams,
  pickModules,
  type Params,
  type PersonalMethod,
  type Plugin,
} from "@fedclair/core";
import { z } from "zod";
import { changeBetween } from "../walk.js";

const schema = z.strictObject({
  alpha: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Share of the client's own params in its model, to begin with."),
});

/** The module of own params with the share; the others are called as those of the model. */
const share = "apfl/alpha";

/**
 * APFL (Deng et al. 2020, arXiv 2003.13461): a client's model is the mixture αv + (1 - α)w of own
 * and shared params. At each step w follows ∇F(w), v follows α∇F(mixture), and α ← α - η⟨v - w,
 * ∇F(mixture)⟩, kept in [0, 1].
 */
export const apfl: Plugin<PersonalMethod> = {
  name: "apfl",
  summary: "Each client mixes params of its own with the shared ones, in a share that it learns.",
  schema,
  create: ({ alpha: first }: z.output<typeof schema>) => ({
    start: (shared) => new Map([...shared, [share, { shape: [1], data: Float64Array.of(first) }]]),
    async train({ shared, own, count, steps }) {
      let alpha = alphaOf(own);
      let w = shared;
      let v = pickModules(own, [...shared.keys()]);
      for (let step = 0; step < count; step++) {
        const mixture = combineParams([alpha, v], [1 - alpha, w]);
        // One step's difference is -η∇F(mixture).
        const moved = changeBetween(mixture, await steps(mixture, { count: 1 }));
        const next = alpha + dotParams(changeBetween(w, v), moved);
        v = combineParams([1, v], [alpha, moved]);
        w = await steps(w, { count: 1 });
        alpha = Math.min(1, Math.max(0, next));
      }
      return {
        change: changeBetween(shared, w),
        own: new Map([...v, [share, { shape: [1], data: Float64Array.of(alpha) }]]),
        metrics: { alpha },
      };
    },
    model: ({ shared, own }) => combineParams([1 - alphaOf(own), shared], [alphaOf(own), own]),
  }),
};

function alphaOf(own: Params): number {
  return own.get(share)?.data[0] ?? NaN;
}
