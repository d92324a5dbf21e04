import type { PersonalMethod, Plugin } from "@fedclair/core";
import { z } from "zod";
import { changeBetween, ownSteps, walkOf } from "../walk.js";

const schema = z.strictObject({
  lambda: z
    .number()
    .min(0)
    .default(1)
    .describe("Pull of a client's own params towards the shared ones; 0 is training alone."),
  ...ownSteps,
});

/**
 * Ditto (Li et al., ICML 2021, arXiv 2012.04221). Clients train the shared params w as the task
 * does. Beside them each keeps params v of its own: v ← v - η(∇F(v) + λ(v - w)).
 */
export const ditto: Plugin<PersonalMethod> = {
  name: "ditto",
  summary: "Each client trains params of its own that are pulled towards the shared ones.",
  schema,
  create: ({ lambda, ...options }: z.output<typeof schema>) => ({
    start: (shared) => shared,
    async train({ shared, own, steps }) {
      const change = changeBetween(shared, await steps(shared));
      const towards = { params: shared, weight: lambda };
      return { change, own: await steps(own, { ...walkOf(options), towards }) };
    },
    model: ({ own }) => own,
  }),
};
