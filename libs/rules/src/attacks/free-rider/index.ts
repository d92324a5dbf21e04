import type { Attack, Plugin, Update } from "@fedclair/core";
import { z } from "zod";
import { forgeAtMedianNorm, normalsLike, removeChange } from "../forging.js";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateMeans } from "../statistics.js";

const schema = z.strictObject({
  kind: z
    .enum(["zero", "noise", "last"])
    .default("zero")
    .describe(
      "zero: no change. noise: Gaussian noise too small to matter. last: the mean of the honest updates of the previous round",
    ),
  scale: z
    .number()
    .positive()
    .default(0.01)
    .describe("For noise: its norm, in median norms of the honest updates of the module"),
});

type Options = z.output<typeof schema>;

/**
 * Takes part without training. `last` repeats what all clients learned in the previous round. A
 * real client would see the change of the global params, which for a plain mean is the mean of the
 * updates. The attack remembers the mean of the honest updates instead, whatever the aggregator did
 * with them. In the first round of a trial or a phase there is nothing to repeat, and it sends no
 * change. Source: Lin et al., arXiv 1911.12560.
 */
export const freeRider: Plugin<Attack> = {
  name: "free-rider",
  summary: "Takes part without training: sends no change, a little noise or last round's mean.",
  schema,
  create: (options: Options): Attack => riders[options.kind](options),
};

const riders: Readonly<Record<Options["kind"], (options: Options) => Attack>> = {
  zero: () => ({ attackRound: ({ own }) => ({ updates: own.map(removeChange) }) }),
  noise: ({ scale: size }) => ({
    attackRound: (round) => ({
      updates: forgeAtMedianNorm(round, size, (like, module, clientId) =>
        normalsLike(like, round.rng.at(clientId, module)),
      ),
    }),
  }),
  last: (): Attack<readonly Update[]> => ({
    attackRound: (round, last = []) => ({
      updates: hasAllModules(round.own, last)
        ? forgeFromHonest({ ...round, honest: last }, coordinateMeans)
        : round.own.map(removeChange),
      state: round.honest,
    }),
  }),
};

/** Whether the remembered updates have all modules; another phase may need other ones. */
function hasAllModules([own]: readonly Update[], [last]: readonly Update[]): boolean {
  return last !== undefined && [...(own?.delta.keys() ?? [])].every((name) => last.delta.has(name));
}
