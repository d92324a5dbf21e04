// Tables of what detectors found in piles whose contaminated adapters are known. A result is a list
// of pools, a pool a list of piles, and a pile { name, adapters }. An adapter has { name,
// isContaminated, status, score }.
import { quantile, stream } from "@fedclair/linalg";
import { rocArea, shareOf, shareWithFalseAlarm } from "../power/measures.js";
import { markdown } from "../train-adapters/table.js";

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
    const clean = piles.filter(({ name }) => name === "clean");
    const undecided = countOf(piles, (one) => !one.isContaminated && one.status === "undecided");
    const honest = countOf(piles, ({ isContaminated }) => !isContaminated);
    return [
      title,
      countStatuses(piles).join(", "),
      percent(result, (own) => shareOf(own, isFlagged)),
      percent(result, shareAboveHonest),
      `${countFalseAlarms(clean)} of ${clean.length}`,
      `${countFalseAlarms(piles)} of ${piles.length}: ${percent(result, shareWithFalseAlarm)}`,
      `${undecided} of ${honest}`,
      `${withInterval(result, meanArea, formatArea)}, ${formatArea(lowestArea(result))}`,
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
  return ["contaminated", "undecided", "benign"].map((wanted) =>
    countOf(piles, ({ isContaminated, status }) => isContaminated && status === wanted),
  );
}

function countOf(piles, predicate) {
  return piles.flatMap(({ adapters }) => adapters).filter(predicate).length;
}

function countFalseAlarms(piles) {
  return Math.round(shareWithFalseAlarm(piles.map(({ adapters }) => adapters)) * piles.length);
}

/** Share of the contaminated adapters with a higher score than any honest one of their pile. */
function shareAboveHonest(federations) {
  const above = federations.map((own) => {
    const scores = own.filter(({ isContaminated }) => !isContaminated).map(({ score }) => score);
    const highest = Math.max(...scores);
    return own.map((one) => ({ ...one, isAbove: one.score > highest }));
  });
  return shareOf(above, ({ isAbove }) => isAbove);
}

/** The mean area under the ROC curve over piles with contaminated adapters. */
function meanArea(federations) {
  const attacked = federations.filter((own) => own.some(({ isContaminated }) => isContaminated));
  return attacked.map(rocArea).reduce((x, y) => x + y, 0) / attacked.length;
}

function lowestArea(result) {
  return Math.min(...result.map((pool) => meanArea(pool.map(({ adapters }) => adapters))));
}

function formatArea(area) {
  return area.toFixed(3);
}

function percent(result, statistic) {
  return withInterval(result, statistic, (share) => (100 * share).toFixed(0)) + " %";
}

/** @param statistic a number of a list of federations */
function withInterval(result, statistic, format) {
  const pools = result.map((piles) => piles.map(({ adapters }) => adapters));
  const [low, high] = bootstrap(pools, statistic);
  return `${format(statistic(pools.flat()))} (${format(low)}–${format(high)})`;
}

const draws = 2000;

/**
 * A 95 % interval by the percentile bootstrap. It draws whole pools, because the piles of a pool
 * share their honest adapters.
 * @param pools a list of federations for each pool
 * @param statistic a number of a list of federations
 */
export function bootstrap(pools, statistic) {
  const rng = stream("bootstrap");
  const values = Array.from({ length: draws }, () =>
    statistic(pools.flatMap(() => pools[rng.int(pools.length)])),
  );
  return [0.025, 0.975].map((q) => quantile(values, q));
}
