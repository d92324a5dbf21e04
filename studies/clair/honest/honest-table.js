import {
  formatEstimate,
  isFlagged,
  meanInterval,
  pairedDifference,
  wilsonInterval,
} from "@fedclair/runs";
import { groupBy } from "../../support/group-by.js";
import { markdown, sumOf } from "../../support/text.js";

/**
 * How often clients of one kind were left out of the result.
 * @typedef {object} Exclusion
 * @property {number} answers updates that arrived, over all rounds
 * @property {number} excluded those of them that had no influence
 * @property {number} clients clients that sent any
 * @property {number} mostly those of them that had no influence in more than half of their rounds
 *
 * @typedef {object} Counts
 * @property {Exclusion} honest
 * @property {Exclusion} contaminated
 *
 * @typedef {object} HonestTrial
 * @property {string} rule label of the aggregator
 * @property {string} attack label of the attacks
 * @property {number} seed
 * @property {Counts} counts
 * @property {number} mean of the benign clients in the last round
 */

/**
 * Counts the clients that were left out: those that were flagged, and those that the aggregator did
 * not take into the mean.
 * @param {readonly (readonly import("@fedclair/core/internal").ClientRecord[])[]} rounds
 * @returns {Counts}
 */
export function countExclusions(rounds) {
  const byClient = new Map();
  for (const { clientId, attack, failure, verdict, pooled } of rounds.flat()) {
    if (failure !== null) continue;
    const own = byClient.get(clientId) ?? { isHonest: attack === null, answers: 0, excluded: 0 };
    const isExcluded = isFlagged({ verdict }) || pooled === false;
    own.answers++;
    own.excluded += Number(isExcluded);
    byClient.set(clientId, own);
  }
  const clients = [...byClient.values()];
  return {
    honest: addUp(clients.filter(({ isHonest }) => isHonest)),
    contaminated: addUp(clients.filter(({ isHonest }) => !isHonest)),
  };
}

function addUp(clients) {
  const total = { answers: 0, excluded: 0, clients: clients.length, mostly: 0 };
  for (const { answers, excluded } of clients) {
    total.answers += answers;
    total.excluded += excluded;
    total.mostly += Number(2 * excluded > answers);
  }
  return total;
}

/**
 * Formats a table with a row for each rule and attack. Means are compared, seed by seed, with the
 * first rule where nobody is contaminated.
 * @param {readonly HonestTrial[]} trials of at least one rule without attackers
 */
export function formatHonestTable(trials) {
  const [{ rule: reference }] = trials;
  const best = new Map(
    trials
      .filter(({ rule, counts }) => rule === reference && counts.contaminated.clients === 0)
      .map(({ seed, mean }) => [seed, mean]),
  );
  const groups = groupBy(trials, ({ rule, attack }) => `${attack}\n${rule}`);
  const rows = [...groups.values()].map((group) => {
    const [{ rule, attack, counts }] = group;
    const honest = group.map((trial) => trial.counts.honest);
    const mostly = sumOf(honest, "mostly");
    const clients = sumOf(honest, "clients");
    const { low, high } = wilsonInterval(mostly, clients);
    const cost = pairedDifference(group.map(({ seed, mean }) => [mean, best.get(seed)]));
    return [
      counts.contaminated.clients === 0 ? "none" : attack,
      rule,
      formatEstimate(meanInterval(honest.map(shareOf))),
      `${mostly} of ${clients} (${low.toFixed(2)}–${high.toFixed(2)})`,
      counts.contaminated.clients === 0
        ? ""
        : formatEstimate(meanInterval(group.map((trial) => shareOf(trial.counts.contaminated)))),
      formatEstimate(cost),
    ];
  });
  const head = [
    "contaminated",
    "rule",
    "honest updates left out",
    "honest clients left out in most rounds",
    "contaminated updates left out",
    `against ${reference} with nobody contaminated`,
  ];
  return markdown([head, ...rows]);
}

function shareOf({ answers, excluded }) {
  return answers === 0 ? 0 : excluded / answers;
}
