import { mean } from "@fedclair/linalg";
import { flattenDelta, forge, inner } from "./forge.js";
import { measureRound } from "./measure.js";
import { findBest, searchAttacks } from "./search.js";

/** Attacks of the literature, with which the search is compared. */
export const knownAttacks = [
  { name: "alie" },
  { name: "min-max" },
  { name: "ipm", label: "ipm 0.5", epsilon: 0.5 },
];

/** In how many of the rounds an attacker may be flagged. */
export const limits = [0.05, 0.5, 1];

/** Weights from which the search starts, beside those of known attacks: see `forge`. */
const starts = [0, 1].flatMap((own) => [
  [own, 0, 0, 0, 0],
  ...[0.25, 0.5, 1, 2, 5].map((reverse) => [own, reverse, 0, 0, 0]),
  [own, 0, 1, 0, 0],
  [own, 0, 0, 1, 0],
  [own, 0, 0, 0, 1],
]);

/**
 * @typedef {object} AttackOnRule
 * @property {string} name
 * @property {number} [limit] that the search kept to
 * @property {readonly number[]} [weights] that it found
 * @property {number} searchedFlagged share of the searched rounds with a flagged attacker
 * @property {readonly import("./measure.js").Damage[]} damage in the other rounds
 */

/**
 * Measures known attacks on a rule, and searches those of the most harm at every limit. A known
 * attack's own share of flagged rounds is a limit too, so that both can be compared.
 * @param {import("@fedclair/core").Aggregator} aggregator
 * @param {object} options
 * @param {import("@fedclair/core").Aggregator} [options.quick] flags the same clients and returns
 *   the same change, in less time; for the search
 * @param {readonly ReturnType<typeof import("./forge.js").readRound>[]} options.searched
 * @param {readonly ReturnType<typeof import("./forge.js").readRound>[]} options.others
 * @param {import("@fedclair/core").Plugins} options.plugins
 * @param {number} options.evaluations for each limit
 * @param {import("@fedclair/core").Stream} options.rng
 * @returns {Promise<readonly AttackOnRule[]>}
 */
export async function attackRule(
  aggregator,
  { quick = aggregator, searched, others, plugins, evaluations, rng },
) {
  const evaluate = async (forgeRound) =>
    summarise(await measureRounds(quick, searched, forgeRound));
  const measure = (forgeRound) => measureRounds(aggregator, others, forgeRound);

  const known = [{ name: "none", forgeRound: ({ own }) => own }, ...knownAttacks.map(readKnown)];
  const measured = [];
  for (const { name, forgeRound } of known) {
    const { flagged } = await evaluate(forgeRound);
    const damage = await measure(forgeRound);
    measured.push({ name, searchedFlagged: flagged, damage });
  }
  const near = known.slice(1).map(({ forgeRound }) => nearestWeights(searched, forgeRound));
  const own = measured.slice(1).map(({ searchedFlagged }) => searchedFlagged);
  // A rule that flags nobody has one best attack.
  const isJudge = measured.some(({ damage }) =>
    damage.some(({ isFlagged, falseAlarms }) => isFlagged || falseAlarms > 0),
  );
  const all = isJudge ? [...new Set([...limits, ...own])].sort((x, y) => x - y) : [0];
  const points = await searchAttacks(
    (weights) => evaluate((round) => forge(round, weights)),
    [...starts, ...near],
    all,
    evaluations,
    rng,
  );
  const found = [];
  for (const limit of all) {
    const { weights, flagged } = findBest(points, limit);
    const damage = await measure((round) => forge(round, weights));
    found.push({ name: "searched", limit, weights, searchedFlagged: flagged, damage });
  }
  return [...measured, ...found];

  function readKnown({ name, label = name, ...options }) {
    const plugin = plugins.attacks.get(name);
    const attack = plugin.create(/** @type {never} */ (plugin.schema.parse(options)));
    return { name: label, forgeRound: (round) => attack.attackRound(round).updates };
  }
}

/** Measures one attack in several rounds. */
async function measureRounds(aggregator, rounds, forgeRound) {
  const damage = [];
  for (const round of rounds) {
    damage.push(await measureRound(aggregator, round, forgeRound(round)));
  }
  return damage;
}

/**
 * The weights of a known attack, which moves along one of the directions, by about as much in each
 * round.
 */
function nearestWeights(rounds, forgeRound) {
  const moves = rounds.map((round) => {
    const [sent] = forgeRound(round);
    const move = flattenDelta(sent.delta, round.slices).map((x, i) => x - round.mean[i]);
    return round.directions.map((direction) => inner(move, direction) / round.reach);
  });
  const mean = moves[0].map((_, j) => moves.reduce((sum, m) => sum + m[j], 0) / moves.length);
  const most = Math.max(...mean);
  return [0, ...mean.map((move) => (move === most ? move : 0))];
}

function summarise(damage) {
  return {
    harm: mean(damage.map(({ harm }) => harm)),
    flagged: mean(damage.map(({ isFlagged }) => (isFlagged ? 1 : 0))),
  };
}
