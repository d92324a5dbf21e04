import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateMeans } from "../statistics.js";

const schema = z.strictObject({
  epsilon: z
    .number()
    .positive()
    .default(0.5)
    .describe("The attackers send minus this factor times the honest mean; usually 0.1 to 2"),
});

/** Computes -ε·μ. @param benign at least one vector */
export function ipm(benign: readonly Float64Array[], epsilon: number): Float64Array {
  return coordinateMeans(benign).map((mean) => -epsilon * mean);
}

/**
 * Inner-product manipulation (Xie et al., arXiv 1903.03936): all attackers send -ε × the mean of
 * the honest updates. A small ε hides among them and still reverses the direction of the mean.
 * Omniscient.
 */
export const ipmAttack: Plugin<Attack> = {
  name: "ipm",
  summary: "Colluding: the honest mean, negated and shrunk (inner-product manipulation).",
  schema,
  create: ({ epsilon }: z.output<typeof schema>): Attack => ({
    attackRound: (round) => ({
      updates: forgeFromHonest(round, (benign) => ipm(benign, epsilon)),
    }),
  }),
};
