import { formatEstimate, meanInterval, pairedDifference, wilsonInterval } from "@fedclair/runs";
import { markdown } from "../../support/text.js";
import { limits } from "./attack-rule.js";

/**
 * @typedef {{ readonly rule: string, readonly attacks: readonly
 *   import("./attack-rule.js").AttackOnRule[] }} RuleResult
 */

/** Formats the harm of the attacks that a search found, by how often they may be flagged. */
export function formatFrontier(results) {
  const head = [
    "rule",
    "honest attackers",
    ...limits.map((limit) => `flagged in at most ${100 * limit} %`),
  ];
  const cell = ({ damage }) => `${formatHarm(damage)}; ${formatFlagged(damage)}`;
  const rows = results.map(({ rule, attacks }) => {
    const none = attacks.find(({ name }) => name === "none");
    return [rule, cell(none), ...limits.map((limit) => cell(findSearched(attacks, limit)))];
  });
  return markdown([head, ...rows]);
}

/** Compares known attacks with the one found that may be flagged as often. */
export function formatEqual(results) {
  const head = [
    ...["rule", "attack", "progress lost", "flagged"],
    ...["searched: progress lost", "flagged", "more harm"],
  ];
  const rows = results.flatMap(({ rule, attacks }) =>
    attacks
      .filter(({ name }) => name !== "none" && name !== "searched")
      .map(({ name, searchedFlagged, damage }) => {
        const { damage: found } = findSearched(attacks, searchedFlagged);
        const more = pairedDifference(found.map(({ harm }, k) => [harm, damage[k].harm]));
        return [
          ...[rule, name, formatHarm(damage), formatFlagged(damage)],
          ...[formatHarm(found), formatFlagged(found), formatPercent(more)],
        ];
      }),
  );
  return markdown([head, ...rows]);
}

/**
 * Returns the attack that was found at the highest limit up to `limit`. A rule that flags nobody
 * has one, at 0.
 */
export function findSearched(attacks, limit) {
  return attacks.findLast((attack) => attack.name === "searched" && attack.limit <= limit);
}

/**
 * Formats the primary metric of the benign clients at the end of whole trials.
 * @param {readonly { readonly rule: string, readonly attack: string, readonly outcomes: readonly
 *   { value: number, flagged: number, rounds: number }[] }[]} trials
 */
export function formatTrials(trials) {
  const head = ["rule", "attack", "benign clients", "rounds with a flagged attacker"];
  const rows = trials.map(({ rule, attack, outcomes }) => {
    const total = (key) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
    const estimate = meanInterval(outcomes.map(({ value }) => value));
    return [rule, attack, formatEstimate(estimate), `${total("flagged")} of ${total("rounds")}`];
  });
  return markdown([head, ...rows]);
}

function formatHarm(damage) {
  return formatPercent(meanInterval(damage.map(({ harm }) => harm)));
}

/** Formats a mean with half its 95 % interval, in per cent. */
function formatPercent({ mean, interval }) {
  const half = (interval.high - interval.low) / 2;
  // Rounding errors of either sign are 0.
  const percent = (x) => (100 * x).toFixed(1).replace("-0.0", "0.0");
  return `${percent(mean)} ± ${percent(half)} %`;
}

/** The rounds in which an attacker is flagged, with Wilson's 95 % interval. */
function formatFlagged(damage) {
  const hits = damage.filter(({ isFlagged }) => isFlagged).length;
  const { low, high } = wilsonInterval(hits, damage.length);
  const percent = (x) => (100 * x).toFixed(0);
  return `${hits} of ${damage.length} (${percent(low)}–${percent(high)} %)`;
}
