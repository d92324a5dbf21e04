import { at, item, median, pick } from "@fedclair/linalg";
import { pieceMeanings, type EvidencePiece, type PieceKind } from "./pieces.js";
import { scorePieces, type EvidenceScores, type Spreads } from "./score.js";

/**
 * The pieces of evidence about clients, over the rounds of each. It is plain data, in columns: as
 * objects, a thousand clients would take longer to store than to judge.
 */
export interface EvidenceHistories {
  /** The row of each client in the columns, by id; rows are in the order of the ids. */
  readonly rows: ReadonlyMap<string, number>;
  /** Number of rounds by client. */
  readonly rounds: Float64Array;
  /** Number of those that flag the client by themselves. */
  readonly flagged: Float64Array;
  /** The last round of each client, as a count of the rounds that were added. */
  readonly latest: Float64Array;
  /** Number of rounds that were added. */
  readonly count: number;
  readonly pieces: ReadonlyMap<PieceKind, PieceHistories>;
}

/** One piece of evidence about all clients; 0 for a client that had it in no round. */
interface PieceHistories {
  /** Weighted sums of signed deviations over rounds, old ones fading. */
  readonly sums: Float64Array;
  /** Weighted sums of squared deviations. */
  readonly squares: Float64Array;
  /** Sums of the weights; not every round has every piece. */
  readonly weights: Float64Array;
}

/** The histories before the first round. */
export const noHistories: EvidenceHistories = {
  rows: new Map(),
  rounds: new Float64Array(),
  flagged: new Float64Array(),
  latest: new Float64Array(),
  count: 0,
  pieces: new Map(),
};

/** Weight of a client's round relative to its next one. */
const decay = 0.95;
/** A larger deviation in a round counts as this one, so that a single round is never all. */
const maxInRound = 6;
/** A single round has its own judgement. */
export const minRounds = 2;
/** With fewer clients their usual differences are unknown: just over half of six are four. */
export const minEvidenceClients = 6;
/** A client that is absent for longer is forgotten, so that new names cannot fill the memory. */
const maxAbsence = 100;
/** Usual deviation between the averages of honest clients, in deviations of one round. */
const usualSpread = 0.5;
/** Share of honest clients' differences in a round that lasts. Trials have 0.5 at most. */
const mostlyLasting = 0.7;

/** How the average of any piece over rounds counts. */
const lasting = { growsWithSize: false, countsOnce: true, isTwoSided: true };

const kinds = Object.keys(pieceMeanings) as PieceKind[];

/**
 * Returns the histories after a round.
 * @param ids ids of the clients that took part
 * @param scored their indices in the scores
 * @param flagged the indices of those that the round flags by itself
 */
export function addRound(
  before: EvidenceHistories,
  ids: readonly string[],
  { signed }: Pick<EvidenceScores, "signed">,
  scored: readonly number[],
  flagged: readonly number[] = [],
): EvidenceHistories {
  const count = before.count + 1;
  const present = new Set(ids);
  const kept = [...before.rows].filter(
    ([id, row]) => present.has(id) || count - at(before.latest, row) <= maxAbsence,
  );
  const rows = new Map(kept.map(([id], row) => [id, row]));
  for (const id of ids) if (!rows.has(id)) rows.set(id, rows.size);
  const own = ids.map((id) => rows.get(id) ?? NaN);
  const carry = (column: Float64Array | undefined) => {
    const copy = new Float64Array(rows.size);
    if (column) kept.forEach(([, row], i) => (copy[i] = at(column, row)));
    return copy;
  };
  const [rounds, latest] = [carry(before.rounds), carry(before.latest)];
  const flags = carry(before.flagged);
  const isFlagged = new Set(flagged);
  own.forEach((row, i) => {
    rounds[row] = at(rounds, row) + 1;
    latest[row] = count;
    flags[row] = at(flags, row) + Number(isFlagged.has(item(scored, i)));
  });
  const seen = new Set([...before.pieces.keys(), ...signed.keys()]);
  const pieces = [...seen].map((kind) => {
    const earlier = before.pieces.get(kind);
    const sums = carry(earlier?.sums);
    const squares = carry(earlier?.squares);
    const weights = carry(earlier?.weights);
    const values = signed.get(kind);
    own.forEach((row, i) => {
      if (!values) return; // this round lacks the piece
      const x = Math.max(-maxInRound, Math.min(maxInRound, at(values, item(scored, i))));
      sums[row] = decay * at(sums, row) + x;
      squares[row] = decay * at(squares, row) + x * x;
      weights[row] = decay * at(weights, row) + 1;
    });
    return [kind, { sums, squares, weights }] as const;
  });
  return { rows, rounds, flagged: flags, latest, count, pieces: new Map(pieces) };
}

/** The scores of a round's clients over their rounds. */
interface ScoresOverRounds {
  readonly scores: EvidenceScores;
  /** Number of rounds by client. */
  readonly rounds: readonly number[];
  /** Whether each round of a client flags it by itself. */
  readonly isAlwaysFlagged: readonly boolean[];
}

/**
 * Scores a round's clients by their pieces of evidence averaged over rounds: what is chance in one
 * round cancels, and what lasts remains. Absent clients have no say, so nobody gets a majority by
 * changing its name. The average of few rounds has more chance in it, and counts for less.
 * @param ids the clients of the latest round, in the order of its scores
 * @param latest the scores of the latest round, whose pieces of evidence count
 * @returns undefined for fewer than six clients, before any has two rounds, and where most of what
 *   distinguishes the trusted clients in a round lasts: an average then says nothing new
 */
export function scoreOverRounds(
  histories: EvidenceHistories,
  ids: readonly string[],
  latest: Pick<EvidenceScores, "signed" | "voters" | "hasSpace" | "fewNumbers" | "isDense">,
): ScoresOverRounds | undefined {
  const { hasSpace, fewNumbers, isDense } = latest;
  const own = ids.map((id) => histories.rows.get(id) ?? NaN);
  const rounds = pick(histories.rounds, own);
  if (own.length < minEvidenceClients || Math.max(...rounds) < minRounds) return undefined;
  const meansOf = (kind: PieceKind) => {
    const piece = histories.pieces.get(kind);
    if (!piece) return new Float64Array(own.length);
    const weights = own.map((row) => weightOf(piece, row));
    const most = spreadOfMean(Math.max(...weights));
    return Float64Array.from(own, (row, k) => {
      const weight = item(weights, k);
      return (at(piece.sums, row) / weight) * (most / spreadOfMean(weight));
    });
  };
  const pieces = [...latest.signed.keys()].flatMap((kind): EvidencePiece[] => {
    // Clients differ inside a space as their data do, and that lasts.
    if (kind === "agreement" && hasSpace) return [];
    const values = meansOf(kind);
    // What lasts is unusual in either direction: a client that always agrees too well, for example.
    return [{ kind, values, measured: (k) => at(values, k), ...lasting }];
  });
  const spreads = Object.fromEntries(kinds.map((kind) => [kind, usualSpread])) as Spreads;
  const scores = scorePieces(
    meansOf("size"),
    latest.voters,
    () => ({ pieces, hasSpace, isNoise: false, isLimited: false, fewNumbers, isDense }),
    spreads,
  );
  const used = pieces.map(({ kind }) => kind);
  const trusted = pick(own, scores.trusted).filter((row) => at(histories.rounds, row) >= minRounds);
  if (doDifferencesLast(histories, trusted, used)) return undefined;
  const isAlwaysFlagged = own.map(
    (row) => at(histories.flagged, row) === at(histories.rounds, row),
  );
  return { scores, rounds, isAlwaysFlagged };
}

/** The deviation between honest clients' averages over rounds of a weight, in those of one. */
function spreadOfMean(weight: number): number {
  return Math.sqrt(usualSpread ** 2 + 1 / weight);
}

/**
 * Compares the squares of clients' averages, without what chance leaves of them, with the squares
 * of single rounds.
 */
function doDifferencesLast(
  { rounds, pieces }: EvidenceHistories,
  trusted: readonly number[],
  used: readonly PieceKind[],
): boolean {
  const shares = used.flatMap((kind) => {
    const piece = pieces.get(kind);
    if (!piece) return [];
    let [lasting, all] = [0, 0];
    for (const row of trusted) {
      const weight = weightOf(piece, row);
      const [mean, square] = [at(piece.sums, row) / weight, at(piece.squares, row) / weight];
      const count = at(rounds, row);
      lasting += (mean ** 2 - square / count) / (1 - 1 / count);
      all += square;
    }
    return all > 0 ? [lasting / all] : [];
  });
  return shares.length > 0 && median(shares) > mostlyLasting;
}

/** The weight of a client's rounds; 1 without any, whose sums are 0. */
function weightOf({ weights }: PieceHistories, row: number): number {
  return at(weights, row) === 0 ? 1 : at(weights, row);
}
