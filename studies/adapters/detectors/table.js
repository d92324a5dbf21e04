// Tables of what detectors found in piles whose contaminated adapters are known. A result is a list
// of pools, a pool a list of piles, and a pile { name, adapters }. An adapter has { name,
// isContaminated, status, score }.
import { quantile, stream } from "@fedclair/linalg";
import { rocArea } from "../../support/roc-area.js";
import { markdown } from "../../support/text.js";

const heads = [
  "detector",
  "contaminated: flagged, undecided, benign",
  "flagged",
  "above all honest ones",
  "clean piles with a false alarm",
  "piles with a false alarm",
  "honest undecided",
  "area under ROC: mean, lowest pool",
  "CPU seconds",
  "MB",
];

/** @param detectors each with its title, result, `seconds` and `megabytes` */
export function detectorsTable(detectors) {
  const rows = detectors.map(({ title, result, seconds, megabytes }) => {
    const piles = result.flat();
    const [undecided, honest] = add(piles.map(countUndecided));
    const [falseAlarms] = add(piles.map(countFalseAlarms));
    const clean = piles.filter(({ name }) => name === "clean");
    const [falseAlarmsOfClean] = add(clean.map(countFalseAlarms));
    const percent = (count) => withInterval(result, count, (share) => (100 * share).toFixed(0));
    const lowest = Math.min(...result.map((pool) => ratio(add(pool.map(sumAreas)))));
    return [
      title,
      countStatuses(piles).join(", "),
      `${percent(countFlagged)} %`,
      `${percent(countAboveHonest)} %`,
      `${falseAlarmsOfClean} of ${clean.length}`,
      `${falseAlarms} of ${piles.length}: ${percent(countFalseAlarms)} %`,
      `${undecided} of ${honest}`,
      `${withInterval(result, sumAreas, formatArea)}, ${formatArea(lowest)}`,
      seconds.toFixed(1),
      Number.isNaN(megabytes) ? "" : megabytes.toFixed(0),
    ];
  });
  return markdown([heads, ...rows]);
}

/** How many adapters of each attack are flagged by each detector. */
export function attacksTable(detectors) {
  const attacks = new Map();
  for (const [column, { result }] of detectors.entries()) {
    for (const one of result.flat().flatMap(({ adapters }) => adapters)) {
      if (!one.isContaminated) continue;
      const attack = one.name.replace(/^bad-/, "").replace(/-\d+$/, "");
      const counts = attacks.get(attack) ?? detectors.map(() => ({ flagged: 0, all: 0 }));
      counts[column].all++;
      if (isFlagged(one)) counts[column].flagged++;
      attacks.set(attack, counts);
    }
  }
  const cells = (counts) => counts.map(({ flagged, all }) => `${flagged} of ${all}`);
  return markdown([
    ["attack, flagged", ...detectors.map(({ title }) => title)],
    ...[...attacks].map(([attack, counts]) => [attack, ...cells(counts)]),
  ]);
}

const isFlagged = ({ status }) => status === "contaminated";

function countStatuses(piles) {
  const contaminated = piles.flatMap((pile) => split(pile).contaminated);
  return ["contaminated", "undecided", "benign"].map(
    (wanted) => contaminated.filter(({ status }) => status === wanted).length,
  );
}

function split({ adapters }) {
  return {
    contaminated: adapters.filter(({ isContaminated }) => isContaminated),
    honest: adapters.filter(({ isContaminated }) => !isContaminated),
  };
}

/*
 * The functions below count something in a pile as [sum, count]. Shares and means of many piles are
 * ratios of sums.
 */

function countFlagged(pile) {
  const { contaminated } = split(pile);
  return [contaminated.filter(isFlagged).length, contaminated.length];
}

/** Contaminated adapters with a higher score than any honest one of the pile. */
function countAboveHonest(pile) {
  const { contaminated, honest } = split(pile);
  const highest = Math.max(...honest.map(({ score }) => score));
  return [contaminated.filter(({ score }) => score > highest).length, contaminated.length];
}

function countFalseAlarms(pile) {
  return [split(pile).honest.some(isFlagged) ? 1 : 0, 1];
}

function countUndecided(pile) {
  const { honest } = split(pile);
  return [honest.filter(({ status }) => status === "undecided").length, honest.length];
}

function sumAreas({ adapters }) {
  const isAttacked = adapters.some(({ isContaminated }) => isContaminated);
  return isAttacked ? [rocArea(adapters), 1] : [0, 0];
}

function add(counts) {
  return counts.reduce(([x, n], [y, m]) => [x + y, n + m], [0, 0]);
}

function ratio([sum, count]) {
  return sum / count;
}

function formatArea(area) {
  return area.toFixed(3);
}

/** @param count [sum, count] of a pile */
function withInterval(result, count, format) {
  const pools = result.map((piles) => add(piles.map(count)));
  const [low, high] = bootstrap(pools);
  return `${format(ratio(add(pools)))} (${format(low)}–${format(high)})`;
}

const draws = 2000;

/**
 * A 95 % interval of a ratio of sums by the percentile bootstrap. It draws whole pools, because the
 * piles of a pool share their honest adapters.
 * @param pools [sum, count] of each pool
 */
export function bootstrap(pools) {
  const rng = stream("bootstrap");
  const values = Array.from({ length: draws }, () =>
    ratio(add(pools.map(() => pools[rng.int(pools.length)]))),
  );
  return [0.025, 0.975].map((q) => quantile(values, q));
}
