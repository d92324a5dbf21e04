// Makes a bank from measures of federations without a contaminated client.
import { median, medianDeviation, quantile, stream } from "@fedclair/linalg";
import { computePieces, scoreClients, selectClients } from "@fedclair/aggregators";

/** Numbers of clients with a row of thresholds. */
const allSizes = [6, 8, 10, 12, 14, 17, 20, 25, 30, 50, 100];
const rates = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
/**
 * In this share of the sources a threshold is exceeded no more often than its rate. In the others an
 * honest client stands out for good reasons, and no threshold would be of use.
 */
const coverage = 0.8;

/**
 * @param name what the bank was made from
 * @param sources by name: lists of measures of clean federations
 * @param draws number of subsets that are drawn of a source for one row
 */
export function makeBank(name, sources, { sizes = allSizes, draws = 100 } = {}) {
  const spreads = computeSpreads(sources);
  const thresholds = [];
  for (const clients of sizes) {
    const bySource = [...sources].flatMap(([source, federations]) => {
      const large = federations.filter(({ size }) => size.length >= clients);
      return large.length > 0 ? [drawLargest(source, large, clients, spreads, draws)] : [];
    });
    if (bySource.length < 2) continue;
    const quantiles = rates.map((rate) => {
      const own = bySource.map((largest) => quantile(largest, 1 - rate));
      return { rate, score: round(rate === 0.5 ? median(own) : quantile(own, coverage)) };
    });
    const federations = bySource.reduce((total, largest) => total + largest.length, 0);
    thresholds.push({ clients, federations, quantiles: ascending(quantiles, thresholds.at(-1)) });
  }
  return { name, spreads, thresholds };
}

/** The largest score of each of many subsets of clean federations. */
function drawLargest(source, federations, clients, spreads, draws) {
  const rng = stream("bank").at(source, clients);
  return Array.from({ length: draws }, (_, draw) => {
    const measures = federations[draw % federations.length];
    const all = [...measures.size.keys()];
    const chosen = rng.at(draw).sample(all).slice(0, clients);
    return Math.max(...scoreClients(selectClients(measures, chosen), spreads).scores);
  });
}

/**
 * Scores do not fall with the rate. Nor do they for more clients, which only some sources have:
 * these may be more alike than the others.
 */
function ascending(quantiles, before) {
  let least = 0;
  return quantiles.map(({ rate, score }, i) => {
    least = Math.max(least, score, before?.clients >= 12 ? before.quantiles[i].score : 0);
    return { rate, score: least };
  });
}

/** The usual deviation of every piece: the median over sources of the median over federations. */
function computeSpreads(sources) {
  const byKind = new Map();
  for (const federations of sources.values()) {
    const own = new Map();
    for (const measures of federations) {
      const all = [...measures.size.keys()];
      for (const { kind, values } of computePieces(measures, all)) {
        own.set(kind, [...(own.get(kind) ?? []), medianDeviation(values)]);
      }
    }
    for (const [kind, list] of own) byKind.set(kind, [...(byKind.get(kind) ?? []), median(list)]);
  }
  return Object.fromEntries([...byKind].map(([kind, list]) => [kind, round(median(list))]));
}

function round(x) {
  return Number(x.toPrecision(3));
}
