import { yieldToEventLoop } from "@fedclair/core";
import {
  indices,
  item,
  median,
  medianDeviation,
  pick,
  stream,
  sum,
  zip,
  type Stream,
} from "@fedclair/linalg";
import { type ApartRow, type Bank, type BankRow, listGaps, readShippedBank } from "./bank.js";
import { haveFewNumbers, selectClients, type ClientMeasures } from "../measures/measures.js";
import { computePieces, type PieceKind } from "./pieces.js";
import { addRound, noHistories, scoreOverRounds } from "./rounds.js";
import { scoreClients, type EvidenceScores, type Spreads } from "./score.js";

/** Numbers of clients with a row of thresholds. */
export const usualSizes = [6, 8, 10, 12, 14, 17, 20, 25, 30, 50, 100];
/** A row has those of them that it can promise, and the smallest rate that it can promise. */
const rates = [0.5, 0.3, 0.2, 0.1, 0.05, 0.04, 0.02, 0.01];
/** Share of honest clients that stand out. */
const unusualShare = 0.08;

export interface BankOptions {
  /** What the bank is made from, for reports. */
  readonly name: string;
  /** Numbers of clients with a row; default: `usualSizes`. */
  readonly sizes?: readonly number[];
  /** Usual deviations; by default those of the sources, or else of the shipped bank. */
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
 *
 * A row promises its rates for a federation of a kind that is not among the sources, if all kinds
 * are exchangeable (hierarchical conformal prediction; Lee, Barber and Willett, 2023). Each kind
 * counts once, however many federations it has, and the unknown kind counts as one whose scores
 * exceed every threshold. So the smallest rate that n kinds can promise is 1/(n + 1).
 * @param sources measures of federations by kind. Kinds are independent, and federations of a kind
 *   that have the same number of clients share none of them.
 * @returns rows for numbers of clients that at least half of the sources of their kind have
 */
export async function makeBank(
  sources: ReadonlyMap<string, readonly ClientMeasures[]>,
  { name, sizes = usualSizes, spreads = computeSpreads(sources) }: BankOptions,
  { runs = new Map(), dense = new Map(), denseRuns = new Map() }: BankRuns = {},
): Promise<Bank> {
  const once: ScoreSets<readonly ClientMeasures[]> = (source, federations, clients) =>
    scoreSets(source, federations, clients, spreads);
  const later: ScoreSets<readonly MeasuredRun[]> = (source, federations, clients) =>
    scoreSetsOverRounds(source, federations, clients, spreads);
  const thresholds: Bank["thresholds"] = [];
  for (const kind of kinds) {
    const own = [...sources].filter(([, federations]) => kind.includes(federations));
    const rows = (await scoreSizes(own, sizes, once)).map(toRow);
    thresholds.push(...rows.map((row) => ({ ...kind.row, ...row })));
  }
  const ofPairs = (all: readonly MeasuredRun[]) =>
    all.every((run) => arePairs(run.map(({ measures }) => measures)));
  const pairSources = new Map([...runs].filter(([, all]) => ofPairs(all)));
  const others = [...runs].filter(([source]) => !pairSources.has(source));
  const pairs = await scoreSizes([...pairSources], sizes, later);
  const asPairs = <T extends object>(row: T) => ({ pairs: true, ...row });
  const overRounds = [
    ...(await scoreSizes(others, sizes, later)).map(toRow),
    ...pairs.map(toRow).map(asPairs),
  ];
  const apart = (await scoreSizes([...dense], sizes, once)).map(toApartRow);
  const apartOverRounds = [
    ...(await scoreSizes([...denseRuns], sizes, later)).map(toApartRow),
    ...pairs.map(toApartRow).map(asPairs),
  ];
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
  readonly row: Pick<Bank["thresholds"][number], "hasSpace" | "fewNumbers" | "pairs">;
  readonly includes: (federations: readonly ClientMeasures[]) => boolean;
}[] = [
  { row: { hasSpace: true }, includes: (own) => !areSmall(own) && haveSpace(own) },
  {
    row: { hasSpace: false },
    includes: (own) => !areSmall(own) && !haveSpace(own) && areDense(own),
  },
  {
    row: { hasSpace: false, pairs: true },
    includes: (own) => !areSmall(own) && arePairs(own),
  },
  { row: { hasSpace: true, fewNumbers: true }, includes: areSmall },
];

function areDense(federations: readonly ClientMeasures[]): boolean {
  return federations.every(({ isDense }) => isDense);
}

/** Whether changes are low-rank pairs that share no space. */
function arePairs(federations: readonly ClientMeasures[]): boolean {
  return !haveSpace(federations) && !areDense(federations);
}

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

/** Scores of honest clients in sets that share no client. */
interface ScoredSets {
  /** Number of sets. */
  readonly sets: number;
  readonly all: readonly number[];
  /** The largest one of each set, or of each of its rounds. */
  readonly largest: readonly number[];
  /** The largest ratio at a gap of each set, or of each of its rounds. */
  readonly gaps: readonly number[];
}

/** Scores sets of a number of clients of a source, if it has as many. */
type ScoreSets<T> = (source: string, federations: T, clients: number) => ScoredSets | undefined;

/** Scores of all sources with a number of clients. */
interface ScoredSize {
  readonly clients: number;
  readonly sources: readonly ScoredSets[];
}

/** Scores sets of the numbers of clients that at least half of the sources have. */
async function scoreSizes<T>(
  sources: readonly (readonly [string, T])[],
  sizes: readonly number[],
  scoreSource: ScoreSets<T>,
): Promise<ScoredSize[]> {
  const all: ScoredSize[] = [];
  for (const clients of sizes) {
    const scored: ScoredSets[] = [];
    for (const [source, federations] of sources) {
      const own = scoreSource(source, federations, clients);
      if (own) scored.push(own);
      await yieldToEventLoop();
    }
    // Few sources may be more alike, or less, than the others. More clients use the last row.
    if (scored.length > 0 && 2 * scored.length >= sources.length)
      all.push({ clients, sources: scored });
  }
  return all;
}

function toRow({ clients, sources }: ScoredSize): BankRow {
  const usual = roundUp(
    findLimit(
      sources.map(({ all }) => all),
      unusualShare * sources.length,
    ),
  );
  const limits = findLimits(sources.map(({ largest }) => largest));
  const quantiles = limits.map(({ rate, limit }) => ({ rate, score: limit }));
  return { clients, federations: countSets(sources), usual, quantiles };
}

function toApartRow({ clients, sources }: ScoredSize): ApartRow {
  const gaps = findLimits(sources.map((own) => own.gaps));
  const scores = findLimits(sources.map(({ largest }) => largest));
  const quantiles = zip(gaps, scores).map(([{ rate, limit: gap }, { limit: score }]) => {
    return { rate, gap, score };
  });
  return { clients, federations: countSets(sources), quantiles };
}

function countSets(sources: readonly ScoredSets[]): number {
  return sum(sources.map(({ sets }) => sets));
}

/**
 * The values that a set of an unknown kind exceeds no more often than each rate.
 * @param sources values by kind
 */
function findLimits(
  sources: readonly (readonly number[])[],
): { readonly rate: number; readonly limit: number }[] {
  const kinds = sources.length + 1;
  const smallest = roundUp(1 / kinds);
  const supported = rates.filter((rate) => rate > smallest);
  return [...supported, smallest].map((rate) => ({
    rate,
    // The unknown kind exceeds every limit.
    limit: roundUp(findLimit(sources, rate * kinds - 1)),
  }));
}

/** The smallest value above which the kinds have at most so much, all values of a kind being 1. */
function findLimit(sources: readonly (readonly number[])[], most: number): number {
  const values = sources
    .flatMap((own) => own.map((value) => ({ value, share: 1 / own.length })))
    .sort((x, y) => y.value - x.value);
  let [limit, above] = [Infinity, 0];
  for (const { value, share } of values) {
    if (above > most + minSum) break;
    limit = value;
    above += share;
  }
  return limit;
}

/** Shares are sums of fractions; a smaller one is a rounding error. */
const minSum = 1e-9;

/**
 * Splits the smallest federations that are large enough into sets that share no client. What is
 * measured among many clients, such as their space, is better known than among a few.
 */
function listSets(
  federations: readonly ClientMeasures[],
  clients: number,
  rng: Stream,
): ClientMeasures[] {
  const enough = federations.filter(({ size }) => size.length >= clients);
  const least = Math.min(...enough.map(({ size }) => size.length));
  return enough
    .filter(({ size }) => size.length === least)
    .flatMap((measures, i) =>
      least === clients
        ? [measures]
        : split(indices(least), clients, rng.at(i)).map((own) => selectClients(measures, own)),
    );
}

/** Splits items at random into as many parts of a length as there are, and leaves the rest out. */
function split<T>(items: readonly T[], length: number, rng: Stream): T[][] {
  const shuffled = rng.sample(items, items.length);
  return indices(Math.floor(items.length / length)).map((i) =>
    shuffled.slice(i * length, (i + 1) * length),
  );
}

function scoreSets(
  source: string,
  federations: readonly ClientMeasures[],
  clients: number,
  spreads: Spreads,
): ScoredSets | undefined {
  const sets = listSets(federations, clients, stream("bank").at(source, clients));
  if (sets.length === 0) return undefined;
  return collect(
    sets.length,
    sets.map((measures) => scoreClients(measures, spreads)),
  );
}

/** The scores over rounds of sets of clients, after every round that has them. */
function scoreSetsOverRounds(
  source: string,
  federations: readonly MeasuredRun[],
  clients: number,
  spreads: Spreads,
): ScoredSets | undefined {
  const rng = stream("bank over rounds").at(source, clients);
  const sets = federations.flatMap((rounds, i) => {
    const ids = [...new Set(rounds.flatMap((round) => round.ids))];
    if (ids.length < clients) return [];
    // A subset of clients that are sampled would be too few in most rounds.
    if (ids.length > clients && rounds.some((round) => round.ids.length < ids.length)) return [];
    return split(ids, clients, rng.at(i)).map((own) => playRounds(rounds, new Set(own), spreads));
  });
  const judged = sets.filter((own) => own.length > 0);
  return judged.length === 0 ? undefined : collect(judged.length, judged.flat());
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
    const present = pick(ids, own);
    histories = addRound(histories, present, scores, indices(own.length));
    return scoreOverRounds(histories, present, scores)?.scores ?? [];
  });
}

function collect(sets: number, scores: readonly EvidenceScores[]): ScoredSets {
  const lists = scores.map((own) => [...own.scores]);
  if (lists.flat().some(Number.isNaN)) throw new RangeError("makeBank: a client has the score NaN");
  return {
    sets,
    all: lists.flat(),
    largest: lists.map((own) => Math.max(...own)),
    gaps: scores.map((own) => Math.max(...listGaps(own.scores).map(({ ratio }) => ratio))),
  };
}

/**
 * The usual deviation of every piece: the median over sources of the median over their federations
 * with the most clients, whose deviations are known best.
 */
function computeSpreads(sources: ReadonlyMap<string, readonly ClientMeasures[]>): Spreads {
  const byKind = new Map<PieceKind, number[]>();
  for (const federations of sources.values()) {
    const own = new Map<PieceKind, number[]>();
    const most = Math.max(...federations.map(({ size }) => size.length));
    for (const measures of federations.filter(({ size }) => size.length === most)) {
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
  return { ...readShippedBank().spreads, ...Object.fromEntries(spreads) };
}

function round(x: number): number {
  return Number(x.toPrecision(3));
}

/** Rounds a positive number up to three digits, so that no promise is broken by rounding. */
function roundUp(x: number): number {
  const unit = 10 ** (Math.floor(Math.log10(x)) - 2);
  return round(unit * Math.ceil(x / unit - minSum));
}
