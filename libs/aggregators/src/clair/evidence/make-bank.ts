import { yieldToEventLoop } from "@fedclair/core";
import { median, medianDeviation, quantile, stream } from "@fedclair/linalg";
import { indices } from "../lists.js";
import type { Bank } from "./bank.js";
import { selectClients, type Measures } from "./measures.js";
import { computePieces, type PieceKind } from "./pieces.js";
import { scoreClients, type Spreads } from "./score.js";

/** Numbers of clients with a row of thresholds. */
const usualSizes = [6, 8, 10, 12, 14, 17, 20, 25, 30, 50, 100];
const rates = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
/** Share of honest clients that do not stand out. */
const usualShare = 0.92;
/**
 * In this share of the sources a threshold is exceeded no more often than its rate. In the others
 * an honest client stands out whatever the threshold, and one that covers it would be of no use.
 */
const coverage = 0.85;
export interface BankOptions {
  /** What the bank is made from, for reports. */
  readonly name: string;
  /** Numbers of clients with a row. */
  readonly sizes?: readonly number[];
  /** Number of subsets that are drawn of a source for one row. */
  readonly draws?: number;
}

/**
 * Makes a bank from federations without a contaminated client.
 * @param sources measures of federations by kind; each kind counts once, however many it has
 * @returns rows for numbers of clients that at least half of the sources of their kind have
 */
export async function makeBank(
  sources: ReadonlyMap<string, readonly Measures[]>,
  { name, sizes = usualSizes, draws = 100 }: BankOptions,
): Promise<Bank> {
  const spreads = computeSpreads(sources);
  const kinds = [true, false].map((hasSpace) => {
    const own = [...sources].filter(([, federations]) => haveSpace(federations) === hasSpace);
    return makeRows(new Map(own), hasSpace, spreads, sizes, draws);
  });
  return { name, spreads, thresholds: (await Promise.all(kinds)).flat() };
}

/** Whether a space holds half of the clients' energy in most of the federations. */
function haveSpace(federations: readonly Measures[]): boolean {
  const shared = federations.filter(
    (measures) => computePieces(measures, indices(measures.size.length)).hasSpace,
  );
  return 2 * shared.length > federations.length;
}

async function makeRows(
  sources: ReadonlyMap<string, readonly Measures[]>,
  hasSpace: boolean,
  spreads: Spreads,
  sizes: readonly number[],
  draws: number,
): Promise<Bank["thresholds"]> {
  const thresholds: Bank["thresholds"] = [];
  for (const clients of sizes) {
    const drawn: Drawn[] = [];
    for (const [source, federations] of sources) {
      const large = federations.filter(({ size }) => size.length >= clients);
      if (large.length > 0) drawn.push(drawScores(source, large, clients, spreads, draws));
      await yieldToEventLoop();
    }
    // Few sources may be more alike, or less, than the others. More clients use the last row.
    if (drawn.length === 0 || 2 * drawn.length < sources.size) continue;
    const usual = round(median(drawn.map(({ all }) => quantile(all, usualShare))));
    let least = 0;
    const quantiles = rates.map((rate) => {
      const limits = drawn.map(({ largest }) => quantile(largest, 1 - rate));
      least = Math.max(least, round(quantile(limits, coverage)));
      return { rate, score: least };
    });
    thresholds.push({ hasSpace, clients, federations: drawn.length * draws, usual, quantiles });
  }
  return thresholds;
}

/** Scores of honest clients. */
interface Drawn {
  readonly all: readonly number[];
  /** The largest one of each federation. */
  readonly largest: readonly number[];
}

/** The scores in many subsets of federations. */
function drawScores(
  source: string,
  federations: readonly Measures[],
  clients: number,
  spreads: Spreads,
  draws: number,
): Drawn {
  const rng = stream("bank").at(source, clients);
  const scores = indices(draws).map((draw) => {
    const measures = federations[draw % federations.length] as Measures;
    const chosen = rng.at(draw).sample(indices(measures.size.length), clients);
    return [...scoreClients(selectClients(measures, chosen), spreads).scores];
  });
  return { all: scores.flat(), largest: scores.map((own) => Math.max(...own)) };
}

/** Spreads for pieces that no source has; measured on pools of LoRA adapters and on trials. */
const otherwise: Spreads = {
  agreement: 0.2,
  clique: 0.03,
  copy: 0.2,
  size: 0.08,
  shape: 0.1,
  evenness: 0.01,
  outside: 0.1,
  moved: 0.06,
};

/** The usual deviation of every piece: the median over sources of the median over federations. */
function computeSpreads(sources: ReadonlyMap<string, readonly Measures[]>): Spreads {
  const byKind = new Map<PieceKind, number[]>();
  for (const federations of sources.values()) {
    const own = new Map<PieceKind, number[]>();
    for (const measures of federations) {
      const { pieces } = computePieces(measures, indices(measures.size.length));
      for (const { kind, values, countsOnce } of pieces) {
        // The agreement of clients that do not agree has no scale.
        if (kind === "agreement" && !countsOnce) continue;
        own.set(kind, [...(own.get(kind) ?? []), medianDeviation(values)]);
      }
    }
    for (const [kind, list] of own) byKind.set(kind, [...(byKind.get(kind) ?? []), median(list)]);
  }
  const spreads = [...byKind]
    .map(([kind, list]) => [kind, round(median(list))] as const)
    .filter(([, spread]) => spread > 0);
  return { ...otherwise, ...Object.fromEntries(spreads) };
}

function round(x: number): number {
  return Number(x.toPrecision(3));
}
