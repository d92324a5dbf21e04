import type { Params, PersonalClient, PersonalMethod, Plugin } from "@fedclair/core";
import { z } from "zod";
import { changeBetween } from "../walk.js";

const schema = z.strictObject({
  models: z.int().min(2).max(100).default(3).describe("Number of models."),
  spread: z
    .number()
    .gt(0)
    .default(0.1)
    .describe("Standard deviation of the noise that sets the models apart at the start."),
});

/**
 * IFCA (Ghosh et al., NeurIPS 2020, arXiv 2006.04088): there are several shared models. Each client
 * takes the one with the least loss on its training data, and each model is aggregated over the
 * clients that took it.
 */
export const ifca: Plugin<PersonalMethod> = {
  name: "ifca",
  summary: "Several shared models, of which each client trains the one that fits it best.",
  schema,
  create: ({ models: count, spread }: z.output<typeof schema>) => ({
    models: { count, spread },
    async train(client) {
      const [model, params] = await chooseModel(client);
      return { model, change: changeBetween(params, await client.steps(params)) };
    },
    model: async (client) => (await chooseModel(client))[1],
  }),
};

/** Returns the model with the least loss, the first of several. */
async function chooseModel({
  models,
  shared,
  loss,
}: Pick<PersonalClient, "models" | "shared" | "loss">): Promise<[model: number, params: Params]> {
  let best: [number, Params] = [0, shared];
  let least = Infinity;
  for (const [model, params] of models.entries()) {
    const value = await loss(params);
    if (!(value < least)) continue;
    least = value;
    best = [model, params];
  }
  return best;
}
