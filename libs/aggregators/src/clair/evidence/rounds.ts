import { at, item, median } from "@fedclair/linalg";
import { pick } from "../lists.js";
import { maxMoved, pieceMeanings, type Piece, type PieceKind } from "./pieces.js";
import { scorePieces, type Scores, type Spreads } from "./score.js";

/** The pieces of evidence about one client, averaged over its rounds. It is plain data. */
export interface ClientHistory {
  readonly rounds: number;
  /** Signed deviations by piece: weighted sums over rounds, old ones fading. */
  readonly sums: Readonly<Partial<Record<PieceKind, number>>>;
  /** Weighted sums of squared deviations by piece. */
  readonly squares: Readonly<Partial<Record<PieceKind, number>>>;
  /** Sums of the weights by piece; not every round has every piece. */
  readonly weights: Readonly<Partial<Record<PieceKind, number>>>;
}

export type ClientHistories = ReadonlyMap<string, ClientHistory>;

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
 * @param rows their indices in the scores
 */
export function addRound(
  before: ClientHistories,
  ids: readonly string[],
  { signed }: Pick<Scores, "signed">,
  rows: readonly number[],
): ClientHistories {
  const after = new Map(before);
  for (const [i, id] of ids.entries()) {
    const k = item(rows, i);
    const own = before.get(id) ?? { rounds: 0, sums: {}, squares: {}, weights: {} };
    const sums = { ...own.sums };
    const squares = { ...own.squares };
    const weights = { ...own.weights };
    for (const [kind, values] of signed) {
      const most = kind === "moved" ? maxMoved : maxRoundDeviations;
      const x = Math.max(-most, Math.min(most, at(values, k)));
      sums[kind] = decay * (sums[kind] ?? 0) + x;
      squares[kind] = decay * (squares[kind] ?? 0) + x * x;
      weights[kind] = decay * (weights[kind] ?? 0) + 1;
    }
    after.set(id, { rounds: own.rounds + 1, sums, squares, weights });
  }
  return after;
}

/** The scores of the clients over their rounds. */
export interface ScoresOverRounds {
  /** In the order of the scores. */
  readonly ids: readonly string[];
  readonly scores: Scores;
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
  histories: ClientHistories,
  latest: Pick<Scores, "signed" | "hasSpace" | "fewNumbers" | "isDense">,
): ScoresOverRounds | undefined {
  const { hasSpace, fewNumbers, isDense } = latest;
  const some = [...histories].filter(([, { rounds }]) => rounds >= minRounds);
  if (some.length < minClients) return undefined;
  const meansOf = (kind: PieceKind) =>
    Float64Array.from(some, ([, { sums, weights }]) => (sums[kind] ?? 0) / (weights[kind] ?? 1));
  const pieces = [...latest.signed.keys()].flatMap((kind): Piece[] => {
    // Clients differ inside a space as their data do, and that lasts.
    if (kind === "agreement" && hasSpace) return [];
    if (!some.every(([, { weights }]) => weights[kind] !== undefined)) return [];
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
  const trusted = pick(some, scores.trusted).map(([, history]) => history);
  const used = pieces.map(({ kind }) => kind);
  if (doDifferencesLast(trusted, used)) return undefined;
  return { ids: some.map(([id]) => id), scores, rounds: some.map(([, { rounds }]) => rounds) };
}

/**
 * Compares the squares of clients' averages, without what chance leaves of them, with the squares
 * of single rounds.
 */
function doDifferencesLast(
  histories: readonly ClientHistory[],
  used: readonly PieceKind[],
): boolean {
  const shares = used.flatMap((kind) => {
    let [lasting, all] = [0, 0];
    for (const { rounds, sums, squares, weights } of histories) {
      const weight = weights[kind] ?? 1;
      const [mean, square] = [(sums[kind] ?? 0) / weight, (squares[kind] ?? 0) / weight];
      lasting += (mean ** 2 - square / rounds) / (1 - 1 / rounds);
      all += square;
    }
    return all > 0 ? [lasting / all] : [];
  });
  return shares.length > 0 && median(shares) > mostlyLasting;
}
