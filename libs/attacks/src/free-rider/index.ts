import type { Attack, Plugin, Update } from "@fedclair/core";
import { z } from "zod";
import { forgeAtMedianNorm, normalsLike, withoutChange } from "../forging.js";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateMeans } from "../statistics.js";

const schema = z.strictObject({
  kind: z
    .enum(["zero", "noise", "last"])
    .default("zero")
    .describe(
      "zero: no change. noise: Gaussian noise too small to matter. last: the mean of the honest updates of the round before",
    ),
  scale: z
    .number()
    .positive()
    .default(0.01)
    .describe("For noise: its norm, in median norms of the honest updates of the module"),
});

type Options = z.output<typeof schema>;

/**
 * Takes part without training. `last` sends again what the round before taught everybody: a client sees the global
 * params change, which with a plain mean is the mean of the updates; an attack is shown the updates, so it remembers
 * their mean, whatever the aggregator made of them. In the first round, of a trial or a phase, it has nothing to send and
 * changes nothing.
 * Source: Lin et al., arXiv 1911.12560.
 */
export const freeRider: Plugin<Attack> = {
  name: "free-rider",
  summary: "Takes part without training: sends nothing, a little noise or last round's mean.",
  schema,
  create: (options: Options): Attack => riders[options.kind](options),
};

const riders: Readonly<Record<Options["kind"], (options: Options) => Attack>> = {
  zero: () => ({ attackRound: ({ own }) => ({ updates: own.map(withoutChange) }) }),
  noise: ({ scale: size }) => ({
    attackRound: (seen) => ({
      updates: forgeAtMedianNorm(seen, size, (like, module, clientId) =>
        normalsLike(like, seen.rng.at(clientId, module)),
      ),
    }),
  }),
  last: (): Attack<readonly Update[]> => ({
    attackRound: (seen, last = []) => ({
      updates: haveModulesOf(seen.own, last)
        ? forgeFromHonest({ ...seen, honest: last }, coordinateMeans)
        : seen.own.map(withoutChange),
      state: seen.honest,
    }),
  }),
};

/** Another phase may ask other modules. */
function haveModulesOf([own]: readonly Update[], [last]: readonly Update[]): boolean {
  return last !== undefined && [...(own?.delta.keys() ?? [])].every((name) => last.delta.has(name));
}
