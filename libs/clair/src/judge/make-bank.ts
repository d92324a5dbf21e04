import { yieldToEventLoop } from "@fedclair/core";
import {
  item,
  median,
  medianDeviation,
  quantile,
  stream,
  sum,
  indices,
  pick,
  zip,
} from "@fedclair/linalg";
import { type ApartRow, type Bank, type BankRow, listGaps } from "./bank.js";
import { haveFewNumbers, selectClients, type ClientMeasures } from "../measures/measures.js";
import { computePieces, type PieceKind } from "./pieces.js";
import { addRound, noHistories, scoreOverRounds } from "./rounds.js";
import { scoreClients, type EvidenceScores, type Spreads } from "./score.js";

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
/** Number of subsets of a source for one row. */
const usualDraws = 100;
/** Spreads for pieces that no source has; measured on pools of LoRA adapters and on trials. */
const usualSpreads: Spreads = {
  agreement: 0.2,
  clique: 0.03,
  copy: 0.2,
  size: 0.08,
  shape: 0.1,
  evenness: 0.01,
  outside: 0.1,
  moved: 0.06,
};

export interface BankOptions {
  /** What the bank is made from, for reports. */
  readonly name: string;
  /** Numbers of clients with a row. */
  readonly sizes?: readonly number[];
  /** Number of subsets that are drawn of a source for one row. */
  readonly draws?: number;
  /** Usual deviations; by default those of the sources. */
  readonly spreads?: Spreads;
}

/** The measures of the clients that took part in a round. */
interface MeasuredRound {
  readonly ids: readonly string[];
  readonly measures: ClientMeasures;
}

/** The rounds of one federation, in order. */
export type MeasuredRun = readonly MeasuredRound[];

/** What further rows of a bank are made from. */
interface BankRuns {
  /** Whole federations by kind, for scores over rounds. */
  readonly runs?: ReadonlyMap<string, readonly MeasuredRun[]>;
  /** Federations of dense changes by kind, for how far honest clients are apart. */
  readonly dense?: ReadonlyMap<string, readonly ClientMeasures[]>;
  /** The same over rounds. */
  readonly denseRuns?: ReadonlyMap<string, readonly MeasuredRun[]>;
}

/**
 * Makes a bank from federations without a contaminated client.
 * @param sources measures of federations by kind; each kind counts once, however many it has
 * @returns rows for numbers of clients that at least half of the sources of their kind have
 */
export async function makeBank(
  sources: ReadonlyMap<string, readonly ClientMeasures[]>,
  { name, sizes = usualSizes, draws = usualDraws, spreads = computeSpreads(sources) }: BankOptions,
  { runs = new Map(), dense = new Map(), denseRuns = new Map() }: BankRuns = {},
): Promise<Bank> {
  const once: Draw<readonly ClientMeasures[]> = (source, federations, clients) =>
    drawScores(source, federations, clients, spreads, draws);
  const later: Draw<readonly MeasuredRun[]> = (source, federations, clients) =>
    drawScoresOverRounds(source, federations, clients, spreads, draws);
  const thresholds: Bank["thresholds"] = [];
  for (const kind of kinds) {
    const own = [...sources].filter(([, federations]) => kind.includes(federations));
    const rows = (await drawSizes(own, sizes, once)).map(toRow);
    thresholds.push(...rows.map((row) => ({ ...kind.row, ...row })));
  }
  const overRounds = (await drawSizes([...runs], sizes, later)).map(toRow);
  const apart = (await drawSizes([...dense], sizes, once)).map(toApartRow);
  const apartOverRounds = (await drawSizes([...denseRuns], sizes, later)).map(toApartRow);
  return {
    name,
    spreads,
    thresholds,
    ...(overRounds.length > 0 && { overRounds }),
    ...(apart.length > 0 && { apart }),
    ...(apartOverRounds.length > 0 && { apartOverRounds }),
  };
}

/**
 * The kinds of federations with rows of their own. Where changes have few numbers, a space holds
 * much of them by chance, so that is no kind of its own.
 */
const kinds: readonly {
  readonly row: Pick<Bank["thresholds"][number], "hasSpace" | "fewNumbers">;
  readonly includes: (federations: readonly ClientMeasures[]) => boolean;
}[] = [
  { row: { hasSpace: true }, includes: (own) => !areSmall(own) && haveSpace(own) },
  { row: { hasSpace: false }, includes: (own) => !areSmall(own) && !haveSpace(own) },
  { row: { hasSpace: true, fewNumbers: true }, includes: areSmall },
];

function areSmall(federations: readonly ClientMeasures[]): boolean {
  return federations.every(haveFewNumbers);
}

/** Whether a space holds half of the clients' energy in most of the federations. */
function haveSpace(federations: readonly ClientMeasures[]): boolean {
  const shared = federations.filter(
    (measures) => computePieces(measures, indices(measures.size.length)).hasSpace,
  );
  return 2 * shared.length > federations.length;
}

/** Scores of honest clients. */
interface Drawn {
  readonly all: readonly number[];
  /** The largest one of each federation. */
  readonly largest: readonly number[];
  /** The largest ratio at a gap of each federation. */
  readonly gaps: readonly number[];
}

/** Draws scores of a source's federations with a number of clients, if they have as many. */
type Draw<T> = (source: string, federations: T, clients: number) => Drawn | undefined;

/** Scores of all sources with a number of clients. */
interface DrawnSize {
  readonly clients: number;
  readonly drawn: readonly Drawn[];
}

/** Draws scores for the numbers of clients that at least half of the sources have. */
async function drawSizes<T>(
  sources: readonly (readonly [string, T])[],
  sizes: readonly number[],
  draw: Draw<T>,
): Promise<DrawnSize[]> {
  const all: DrawnSize[] = [];
  for (const clients of sizes) {
    const drawn: Drawn[] = [];
    for (const [source, federations] of sources) {
      const scores = draw(source, federations, clients);
      if (scores) drawn.push(scores);
      await yieldToEventLoop();
    }
    // Few sources may be more alike, or less, than the others. More clients use the last row.
    if (drawn.length > 0 && 2 * drawn.length >= sources.length) all.push({ clients, drawn });
  }
  return all;
}

function toRow({ clients, drawn }: DrawnSize): BankRow {
  const usual = round(
    quantile(
      drawn.flatMap(({ all }) => all),
      usualShare,
    ),
  );
  const scores = findLimits(drawn.map(({ largest }) => largest));
  const quantiles = zip(rates, scores).map(([rate, score]) => ({ rate, score }));
  return { clients, federations: countFederations(drawn), usual, quantiles };
}

function toApartRow({ clients, drawn }: DrawnSize): ApartRow {
  const gaps = findLimits(drawn.map((one) => one.gaps));
  const scores = findLimits(drawn.map(({ largest }) => largest));
  const quantiles = rates.map((rate, k) => ({ rate, gap: item(gaps, k), score: item(scores, k) }));
  return { clients, federations: countFederations(drawn), quantiles };
}

/** The values that federations of most sources exceed no more often than each rate. */
function findLimits(sources: readonly (readonly number[])[]): number[] {
  let least = 0;
  return rates.map((rate) => {
    const limits = sources.map((own) => quantile(own, 1 - rate));
    least = Math.max(least, round(quantile(limits, coverage)));
    return least;
  });
}

function countFederations(drawn: readonly Drawn[]): number {
  return sum(drawn.map(({ largest }) => largest.length));
}

/** The scores in many subsets of federations. */
function drawScores(
  source: string,
  federations: readonly ClientMeasures[],
  clients: number,
  spreads: Spreads,
  draws: number,
): Drawn | undefined {
  const large = federations.filter(({ size }) => size.length >= clients);
  if (large.length === 0) return undefined;
  const rng = stream("bank").at(source, clients);
  const scores = indices(draws).map((draw) => {
    const measures = item(large, draw % large.length);
    const chosen = rng.at(draw).sample(indices(measures.size.length), clients);
    return scoreClients(selectClients(measures, chosen), spreads);
  });
  return collect(scores);
}

/** The scores over rounds in many subsets of federations, after every round that has them. */
function drawScoresOverRounds(
  source: string,
  federations: readonly MeasuredRun[],
  clients: number,
  spreads: Spreads,
  draws: number,
): Drawn | undefined {
  const large = federations
    .map((rounds) => ({ rounds, ids: [...new Set(rounds.flatMap(({ ids }) => ids))] }))
    .filter(({ rounds, ids }) => {
      if (ids.length < clients) return false;
      // A subset of clients that are sampled would be too few in most rounds.
      return ids.length === clients || rounds.every((round) => round.ids.length === ids.length);
    });
  if (large.length === 0) return undefined;
  const rng = stream("bank over rounds").at(source, clients);
  const scores: EvidenceScores[] = [];
  for (let draw = 0; scores.length < draws; draw++) {
    const { rounds, ids } = item(large, draw % large.length);
    const judged = playRounds(rounds, new Set(rng.at(draw).sample(ids, clients)), spreads);
    if (judged.length === 0) return undefined;
    scores.push(...judged);
  }
  return collect(scores);
}

function playRounds(
  rounds: MeasuredRun,
  chosen: ReadonlySet<string>,
  spreads: Spreads,
): EvidenceScores[] {
  let histories = noHistories;
  return rounds.flatMap(({ ids, measures }) => {
    const own = indices(ids.length).filter((k) => chosen.has(item(ids, k)));
    const scores = scoreClients(selectClients(measures, own), spreads);
    histories = addRound(histories, pick(ids, own), scores, indices(own.length));
    return scoreOverRounds(histories, scores)?.scores ?? [];
  });
}

function collect(scores: readonly EvidenceScores[]): Drawn {
  const lists = scores.map((own) => [...own.scores]);
  return {
    all: lists.flat(),
    largest: lists.map((own) => Math.max(...own)),
    gaps: scores.map((own) => Math.max(...listGaps(own.scores).map(({ ratio }) => ratio))),
  };
}

/** The usual deviation of every piece: the median over sources of the median over federations. */
function computeSpreads(sources: ReadonlyMap<string, readonly ClientMeasures[]>): Spreads {
  const byKind = new Map<PieceKind, number[]>();
  for (const federations of sources.values()) {
    const own = new Map<PieceKind, number[]>();
    for (const measures of federations) {
      const { pieces } = computePieces(measures, indices(measures.size.length));
      for (const { kind, values, countsOnce } of pieces) {
        // The agreement of clients that do not agree has no scale.
        if (kind === "agreement" && !countsOnce) continue;
        // Half of the clients have the same value, that of the usual one.
        if (kind === "copy") continue;
        own.set(kind, [...(own.get(kind) ?? []), medianDeviation(values)]);
      }
    }
    for (const [kind, list] of own) byKind.set(kind, [...(byKind.get(kind) ?? []), median(list)]);
  }
  const spreads = [...byKind]
    .map(([kind, list]) => [kind, round(median(list))] as const)
    .filter(([, spread]) => spread > 0);
  return { ...usualSpreads, ...Object.fromEntries(spreads) };
}

function round(x: number): number {
  return Number(x.toPrecision(3));
}
