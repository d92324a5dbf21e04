import type { Attack, Plugin } from "@fedclair/core";
import { z } from "zod";
import { at, normalQuantile } from "@fedclair/linalg";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateDeviations, coordinateMeans } from "../statistics.js";

/**
 * Computes by how many standard deviations ALIE departs from the mean: z = Φ⁻¹((K - m - s)/(K -
 * m)), where s = ⌊K/2⌋ + 1 - m is the number of benign clients that the attackers need for a
 * majority.
 * @returns 0.1 if the formula has no positive, finite result: with too few attackers, or if they
 * are a majority
 */
export function alieDeviations(clients: number, attackers: number): number {
  const honest = clients - attackers;
  const supporters = Math.floor(clients / 2) + 1 - attackers;
  const p = (honest - supporters) / honest;
  return p > 0.5 && p < 1 ? normalQuantile(p) : 0.1;
}

/** Computes μ - z·σ, coordinate by coordinate. @param benign at least one vector */
export function alie(benign: readonly Float64Array[], deviations: number): Float64Array {
  const means = coordinateMeans(benign);
  const sd = coordinateDeviations(benign, means);
  return means.map((mean, i) => mean - deviations * at(sd, i));
}

/**
 * A little is enough (Baruch et al., arXiv 1902.06156): all attackers send μ - z·σ of the honest
 * updates. This is as far from the mean as possible while some benign clients are still further
 * away. K counts the honest updates of the round and the m attackers. Omniscient.
 */
export const alieAttack: Plugin<Attack> = {
  name: "alie",
  summary:
    "Colluding: the honest mean minus as many standard deviations as a majority hides (ALIE).",
  schema: z.strictObject({}),
  create: (): Attack => ({
    attackRound: (round) => {
      const attackers = round.own.length;
      const deviations = alieDeviations(attackers + round.honest.length, attackers);
      return { updates: forgeFromHonest(round, (benign) => alie(benign, deviations)) };
    },
  }),
};
