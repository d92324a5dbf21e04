import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";
import { at } from "@fedclair/linalg";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateDeviations, coordinateMeans, normalQuantile } from "../statistics.js";

/**
 * How many standard deviations ALIE departs from the mean: z = Φ⁻¹((K - m - s)/(K - m)), s = ⌊K/2⌋ + 1 - m the honest
 * clients that still have to be won for a majority.
 * @returns 0.1 where the formula gives nothing positive and finite: too few attackers, or a majority already
 */
export function alieDeviations(clients: number, attackers: number): number {
  const honest = clients - attackers;
  const supporters = Math.floor(clients / 2) + 1 - attackers;
  const p = (honest - supporters) / honest;
  return p > 0.5 && p < 1 ? normalQuantile(p) : 0.1;
}

/** μ - z·σ, coordinate by coordinate. @param benign at least one vector */
export function alie(benign: readonly Float64Array[], deviations: number): Float64Array {
  const means = coordinateMeans(benign);
  const sd = coordinateDeviations(benign, means);
  return means.map((mean, i) => mean - deviations * at(sd, i));
}

/**
 * A little is enough (Baruch et al., arXiv 1902.06156): all attackers send μ - z·σ of the honest
 * updates, as far from their mean as still has honest clients further out. K are the honest updates of the round and
 * the m of this attack. Omniscient.
 */
export const alieAttack: Plugin<Attack> = {
  name: "alie",
  summary:
    "Colluding: the honest mean less so many standard deviations as a majority hides (ALIE).",
  schema: z.strictObject({}),
  create: (): Attack => ({
    attackRound: (seen) => {
      const attackers = seen.own.length;
      const deviations = alieDeviations(attackers + seen.honest.length, attackers);
      return { updates: forgeFromHonest(seen, (benign) => alie(benign, deviations)) };
    },
  }),
};
