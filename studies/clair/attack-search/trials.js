import { clientEvaluations, isFlagged, meanMetric } from "@fedclair/runs";
import { z } from "zod";
import { runTrialFile } from "../federations.js";
import { forge, readRound } from "./forge.js";

/** The attack that a search found: see `forge`. */
export const searchedAttack = {
  name: "searched",
  summary: "Colluding: a mixture that npm run lab -- attack-search found.",
  schema: z.strictObject({ weights: z.array(z.number()) }),
  create: ({ weights }) => ({
    attackRound: (round) => ({ updates: forge(readRound(round), weights) }),
  }),
};

/**
 * Runs whole trials under one attack.
 * @param {string} file
 * @param {object} rule name and options of the aggregator that is attacked
 * @param {import("@fedclair/core").Plugins} plugins
 * @param {{ name: string, label?: string } | undefined} attack its
 *   name and options; absent: the attackers are honest
 * @param {number} attackers
 * @param {number} seeds
 * @returns the benign clients' primary metric after the last round, and the share of rounds in
 *   which an attacker is flagged, one entry per seed
 */
export async function runTrials(file, rule, plugins, attack, attackers, seeds) {
  const attacks = new Map(plugins.attacks).set("searched", searchedAttack);
  // An honest client that the truth calls contaminated is not measured either.
  const { label: _, ...own } = attack ?? { name: "scaling", factor: 1 };
  const outcomes = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const set = [
      `seed=${seed}`,
      `aggregator=${JSON.stringify(rule)}`,
      "baselines=[]",
      `attacks=${JSON.stringify([{ attack: own, count: attackers }])}`,
    ];
    const records = [];
    let metric;
    for await (const { record, prepared } of runTrialFile(file, { ...plugins, attacks }, set)) {
      records.push(record);
      metric = prepared.measures.primary;
    }
    const flagged = records.filter(({ clients }) =>
      clients.some((client) => client.attack !== null && isFlagged(client)),
    ).length;
    outcomes.push({
      value: meanMetric(clientEvaluations(records.at(-1).clients), metric).mean,
      flagged,
      rounds: records.length,
    });
  }
  return outcomes;
}
