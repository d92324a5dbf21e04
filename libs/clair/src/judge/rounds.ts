import { at, item, median, indices, pick } from "@fedclair/linalg";
import { maxMoved, pieceMeanings, type EvidencePiece, type PieceKind } from "./pieces.js";
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
  pieces: new Map(),
};

/** Weight of a client's round relative to its next one. */
const decay = 0.95;
/** Largest number of deviations that a single round counts for. */
const maxRoundDeviations = 6;
/** A single round has its own judgement. */
const minRounds = 2;
/** With fewer clients their usual differences are unknown. */
const minClients = 6;
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
 */
export function addRound(
  before: EvidenceHistories,
  ids: readonly string[],
  { signed }: Pick<EvidenceScores, "signed">,
  scored: readonly number[],
): EvidenceHistories {
  const rows = new Map(before.rows);
  for (const id of ids) if (!rows.has(id)) rows.set(id, rows.size);
  const own = ids.map((id) => rows.get(id) ?? NaN);
  const longer = (column: Float64Array | undefined) => {
    const copy = new Float64Array(rows.size);
    if (column) copy.set(column);
    return copy;
  };
  const rounds = longer(before.rounds);
  for (const row of own) rounds[row] = at(rounds, row) + 1;
  const seen = new Set([...before.pieces.keys(), ...signed.keys()]);
  const pieces = [...seen].map((kind) => {
    const earlier = before.pieces.get(kind);
    const sums = longer(earlier?.sums);
    const squares = longer(earlier?.squares);
    const weights = longer(earlier?.weights);
    const most = kind === "moved" ? maxMoved : maxRoundDeviations;
    const values = signed.get(kind);
    own.forEach((row, i) => {
      if (!values) return; // this round lacks the piece
      const x = Math.max(-most, Math.min(most, at(values, item(scored, i))));
      sums[row] = decay * at(sums, row) + x;
      squares[row] = decay * at(squares, row) + x * x;
      weights[row] = decay * at(weights, row) + 1;
    });
    return [kind, { sums, squares, weights }] as const;
  });
  return { rows, rounds, pieces: new Map(pieces) };
}

/** The scores of the clients over their rounds. */
interface ScoresOverRounds {
  /** In the order of the scores. */
  readonly ids: readonly string[];
  readonly scores: EvidenceScores;
  /** Number of rounds by client. */
  readonly rounds: readonly number[];
}

/**
 * Scores clients by their pieces of evidence averaged over rounds: what is chance in one round
 * cancels, and what lasts remains.
 * @param latest the scores of the latest round, whose pieces of evidence count
 * @returns undefined while fewer than six clients have two rounds, and where most of what
 *   distinguishes the trusted clients in a round lasts: an average then says nothing new
 */
export function scoreOverRounds(
  histories: EvidenceHistories,
  latest: Pick<EvidenceScores, "signed" | "hasSpace" | "fewNumbers" | "isDense">,
): ScoresOverRounds | undefined {
  const { hasSpace, fewNumbers, isDense } = latest;
  const { rows, rounds } = histories;
  const some = indices(rows.size).filter((row) => at(rounds, row) >= minRounds);
  if (some.length < minClients) return undefined;
  const meansOf = (kind: PieceKind) => {
    const piece = histories.pieces.get(kind);
    return Float64Array.from(some, (row) =>
      piece ? at(piece.sums, row) / weightOf(piece, row) : 0,
    );
  };
  const pieces = [...latest.signed.keys()].flatMap((kind): EvidencePiece[] => {
    // Clients differ inside a space as their data do, and that lasts.
    if (kind === "agreement" && hasSpace) return [];
    const { weights } = histories.pieces.get(kind) ?? {};
    if (!weights || some.some((row) => at(weights, row) === 0)) return [];
    const values = meansOf(kind);
    // What lasts is unusual in either direction: a client that always agrees too well, for example.
    return [{ kind, values, measured: values, ...lasting }];
  });
  const spreads = Object.fromEntries(kinds.map((kind) => [kind, usualSpread])) as Spreads;
  const scores = scorePieces(
    meansOf("size"),
    () => ({ pieces, hasSpace, fewNumbers, isDense }),
    spreads,
  );
  const used = pieces.map(({ kind }) => kind);
  if (doDifferencesLast(histories, pick(some, scores.trusted), used)) return undefined;
  return { ids: pick([...rows.keys()], some), scores, rounds: pick(rounds, some) };
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
