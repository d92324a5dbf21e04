import { mean } from "@fedclair/linalg";
import { groupBy } from "../../support/group-by.js";
import { countText, markdown } from "../../support/text.js";
import { countClients } from "./count-clients.js";
import { describeHarm, describeOutcome } from "./outcome.js";

/**
 * The results of one trial of a sweep over attacks.
 * @typedef {object} AttackedTrial
 * @property {string} attack label of the attack
 * @property {number} seed
 * @property {ReadonlyMap<string, readonly ClientRecord[][]>} rounds the clients by arm and round
 * @property {Readonly<Record<string, number>>} means of the benign clients in the last round, by
 *   arm
 * @typedef {import("@fedclair/core/internal").ClientRecord} ClientRecord
 */

/** The arms that judge clients, with the rule. */
const rules = { clair: "evidence", gap: "gap" };

/** Clients under this attack send nothing that can be used, as if they stayed away. */
const absence = "broken";

/**
 * Formats a table with a row for each attack and rule, in the order of the trials. Means of benign
 * clients are compared with training alone, and with the same clients without the attackers.
 * @param {readonly AttackedTrial[]} trials with one trial per attack and seed
 * @param {string} metric name of the metric that `means` are means of
 * @param {"higher" | "lower"} better means are compared by their ratio if lower is better, and by
 *   their difference if higher is
 */
export function formatAttackTable(trials, metric, better) {
  const absent = trials.filter(({ attack }) => attack === absence);
  const without = new Map(absent.map(({ seed, means }) => [seed, means]));
  const compare = (value, other) => (better === "lower" ? value / other : value - other);
  const formatRow = (group, arm) => {
    const counts = countClients(group.map(({ rounds }) => rounds.get(arm)));
    const alone = (own) => group.map(({ means }) => compare(means[own], means.local));
    const isAttacked = counts.contaminated > 0;
    const means = group.map(({ seed, means }) => ({
      own: means[arm],
      alone: means.local,
      without: without.get(seed)[arm],
    }));
    return [
      isAttacked ? `${counts.found} of ${counts.contaminated}` : "",
      isAttacked ? countText(counts.trialsFound, counts.trials) : "",
      isAttacked ? counts.undecided : "",
      counts.falseAlarms,
      countText(counts.trialsAlarmed, counts.trials),
      formatMean(alone(arm)),
      isAttacked ? formatMean(means.map((seed) => compare(seed.own, seed.without))) : "",
      ["fedavg", "median"].map((own) => formatNumber(mean(alone(own)))).join(", "),
      isAttacked ? describeOutcome(counts, describeHarm(means, better)) : "",
    ];
  };
  const head = [
    "attack",
    "rule",
    "found",
    "trials with all found",
    "undecided",
    "false alarms",
    "trials with one",
    `${metric} against alone`,
    "against no attackers",
    "FedAvg, median against alone",
    "outcome",
  ];
  const rows = [...groupBy(trials, ({ attack }) => attack)].flatMap(([attack, group]) =>
    Object.entries(rules).map(([arm, rule]) => [attack, rule, ...formatRow(group, arm)]),
  );
  return markdown([head, ...rows]);
}

/** Formats the mean over seeds, with the range unless all are the same. */
function formatMean(values) {
  const [average, min, max] = [mean(values), Math.min(...values), Math.max(...values)].map(
    formatNumber,
  );
  return min === max ? average : `${average} (${min} … ${max})`;
}

function formatNumber(value) {
  return value < 100 ? value.toFixed(2) : value.toFixed(0);
}
