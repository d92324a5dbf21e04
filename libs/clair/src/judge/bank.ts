import { readBankFile } from "#clair-platform";
import { UserError } from "@fedclair/core";
import { at, item, normalQuantile } from "@fedclair/linalg";
import { z } from "zod";
import { maxCounted, pieceMeanings, type PieceKind } from "./pieces.js";
import type { EvidenceScores } from "./score.js";

const kinds = Object.keys(pieceMeanings) as [PieceKind, ...PieceKind[]];
const positive = z.number().positive();

const pairs = z
  .boolean()
  .optional()
  .describe("Whether changes are low-rank pairs without a space; default false.");

/** What every row says about the federations behind it. */
const federations = {
  clients: z.int().min(3).describe("Number of clients of a federation."),
  federations: z.int().min(1).describe("Number of clean federations behind the row."),
};

const rowSchema = z.strictObject({
  ...federations,
  usual: positive.describe("8 % of honest clients have a larger score."),
  quantiles: z
    .array(
      z.strictObject({
        rate: z.number().gt(0).lt(1).describe("Share of clean federations."),
        score: positive.describe("This share at most has a client with a larger score."),
      }),
    )
    .min(1)
    .describe("Rates descending, scores ascending. The last rate is the smallest one promised."),
});

const apartSchema = z.strictObject({
  ...federations,
  pairs,
  quantiles: z
    .array(
      z.strictObject({
        rate: z.number().gt(0).lt(1).describe("Share of clean federations."),
        gap: positive.describe(
          "This share at most has clients whose scores are more times the others'.",
        ),
        score: positive.describe("This share at most has a client with a larger score."),
      }),
    )
    .min(1)
    .describe(
      "Rates descending, the others ascending. The last rate is the smallest one promised.",
    ),
});

/** The schema of a bank file. */
const bankSchema = z.strictObject({
  name: z.string().min(1).describe("What the bank was made from; reports name it."),
  spreads: z
    .record(z.enum(kinds), positive)
    .describe("Usual deviation between honest clients, by piece of evidence."),
  thresholds: z
    .array(
      rowSchema.extend({
        hasSpace: z.boolean().describe("Whether a space holds half of the clients' energy."),
        fewNumbers: z
          .boolean()
          .optional()
          .describe("Whether changes have at most 21 numbers; default false."),
        pairs,
      }),
    )
    .min(1)
    .describe("By number of clients, ascending, for each kind of federation."),
  overRounds: z
    .array(rowSchema.extend({ pairs }))
    .optional()
    .describe("For scores over rounds, by number of clients, ascending, for each kind."),
  apart: z
    .array(apartSchema)
    .optional()
    .describe("How far honest clients of dense changes are apart, by their number, ascending."),
  apartOverRounds: z
    .array(apartSchema)
    .optional()
    .describe("The same for scores over rounds, and those of pairs as well."),
});

/**
 * What honest clients look like, measured on federations without a contaminated client: the usual
 * spread of every piece of evidence, and how large the largest score of such a federation is.
 */
export type Bank = z.infer<typeof bankSchema>;

let shippedBank: Bank | undefined;

/** The bank that is shipped. `npm run calibrate -- --write` makes it. It is read on first use. */
export function readShippedBank(): Bank {
  return (shippedBank ??= readBankFile() as Bank);
}

/** @throws UserError naming what is wrong with it */
export function parseBank(value: unknown, file: string): Bank {
  const parsed = bankSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `${file}: not a bank: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}; make one with fedclair calibrate`,
  );
}

/** Scores that decide about clients. */
export interface Thresholds {
  /** Clients with a higher score are contaminated. */
  readonly upper: number;
  /** Clients with a score of at most this do not stand out; 92 % of honest clients do not. */
  readonly lower: number;
  /**
   * Clients with a score of at most this take part in what is shared, even if they stand out. One
   * in five federations without a contaminated client has a higher score.
   */
  readonly shared: number;
  /**
   * Where what lies outside the space is noise, clients with more deviations than this are
   * contaminated too: half of the rate belongs to the law of noise.
   */
  readonly noise: number;
  /** The largest number of clients that was measured for them; more clients use its thresholds. */
  readonly largest: number;
  /**
   * The share of federations without a contaminated client that have a score above `upper` at most.
   * It is larger than the wanted share if the bank was made from too few kinds of federations.
   */
  readonly rate: number;
}

/** Says that the bank supports no rate as small as a wanted one; undefined if it does. */
export function describeRate(
  { rate }: Pick<Thresholds, "rate">,
  wanted: number,
): string | undefined {
  if (rate <= wanted) return undefined;
  return (
    `the bank supports rates of false alarms down to ${Number(rate.toPrecision(3))} for as many clients, ` +
    `not ${wanted}: its largest threshold is used`
  );
}

/** What decides about the thresholds of a federation. */
type ScoredFederation = Pick<EvidenceScores, "scores" | "hasSpace" | "fewNumbers" | "isDense">;

/** The rate of `Thresholds.shared`. */
const sharedRate = 0.2;

/**
 * Reads the thresholds for scores of one round. A bank without rows for changes of few numbers, or
 * for federations with or without a space, gives its other rows.
 * @param rate share of federations without a contaminated client in which any client is flagged
 */
export function findThresholds(
  { thresholds, apart = [] }: Bank,
  federation: ScoredFederation,
  rate: number,
): Thresholds {
  const { hasSpace, fewNumbers, isDense } = federation;
  const few = thresholds.filter((row) => row.fewNumbers);
  const pairs = thresholds.filter((row) => row.pairs);
  const others = thresholds.filter((row) => !row.fewNumbers && !row.pairs);
  const own = others.filter((row) => row.hasSpace === hasSpace);
  const choices = [
    fewNumbers ? few : [],
    isDense || hasSpace ? [] : pairs,
    own,
    others,
    pairs,
    few,
  ];
  const rows = choices.find((some) => some.length > 0) ?? [];
  return requireApart(readRows(rows, federation.scores.length, rate), apart, federation, rate);
}

/**
 * Reads the thresholds for scores over rounds. A bank that was made from single rounds only gives
 * those of a round.
 */
export function findThresholdsOverRounds(
  bank: Bank,
  federation: ScoredFederation,
  rate: number,
): Thresholds {
  const { overRounds = [], apartOverRounds = [] } = bank;
  if (overRounds.length === 0) return findThresholds(bank, federation, rate);
  const arePairs = !federation.isDense && !federation.hasSpace;
  const choose = <T extends { readonly pairs?: boolean | undefined }>(rows: readonly T[]) =>
    rows.filter((row) => (row.pairs ?? false) === arePairs);
  const own = choose(overRounds);
  const rows = own.length > 0 ? own : overRounds;
  const thresholds = readRows(rows, federation.scores.length, rate);
  const apart = choose(apartOverRounds);
  if (!arePairs || apart.length === 0) return requireApart(thresholds, apart, federation, rate);
  return { ...thresholds, upper: Math.max(thresholds.shared, readApart(apart, federation, rate)) };
}

/**
 * This share of the false alarms may be scores that are extreme by themselves, so that attackers of
 * many strengths cannot hide each other; the others are clients that are apart from all others.
 */
const ofExtremes = 0.2;

/**
 * Raises the upper threshold for dense changes: clients below it are not flagged, even if they are
 * apart.
 */
function requireApart(
  thresholds: Thresholds,
  rows: readonly ApartRow[],
  federation: ScoredFederation,
  rate: number,
): Thresholds {
  if (!federation.isDense || rows.length === 0) return thresholds;
  return { ...thresholds, upper: Math.max(thresholds.upper, readApart(rows, federation, rate)) };
}

/**
 * The score above which a client is apart. How far honest clients are from each other depends on
 * their data, so a score that is large for some data is usual for others. A client is apart if a
 * gap lies below it, or if its score is extreme for any data.
 */
function readApart(rows: readonly ApartRow[], { scores }: ScoredFederation, rate: number): number {
  const read = (limit: "gap" | "score", wanted: number) =>
    interpolate(rows, scores.length, (row) => readQuantile(row.quantiles, limit, wanted));
  const apart = findApart(scores, read("gap", (1 - ofExtremes) * rate));
  return Math.min(apart, read("score", ofExtremes * rate));
}

/** How far honest clients are apart, for a number of clients; see `Bank`. */
export type ApartRow = z.infer<typeof apartSchema>;

/** Thresholds for a number of clients; see `Bank`. */
export type BankRow = z.infer<typeof rowSchema>;

function readRows(rows: readonly BankRow[], clients: number, rate: number): Thresholds {
  const at = (wanted: number) =>
    interpolate(rows, clients, (row) => readQuantile(row.quantiles, "score", wanted));
  const lower = interpolate(rows, clients, ({ usual }) => usual);
  const upper = Math.max(at(rate), lower, maxCounted);
  const shared = Math.min(upper, Math.max(at(sharedRate), lower));
  const smallest = ({ quantiles }: BankRow) => item(quantiles, quantiles.length - 1).rate;
  const promised = Math.max(rate, interpolate(rows, clients, smallest));
  const noise = normalQuantile(1 - rate / 4 / clients); // two-sided
  return {
    upper,
    lower,
    shared,
    noise,
    largest: item(rows, rows.length - 1).clients,
    rate: promised,
  };
}

/**
 * Interpolates between rows over the logarithm of the number of clients. Beyond the first and the
 * last row it takes that row.
 */
function interpolate<T extends { readonly clients: number }>(
  rows: readonly T[],
  clients: number,
  valueOf: (row: T) => number,
): number {
  const above = rows.findIndex((row) => row.clients >= clients);
  const right = item(rows, above < 0 ? rows.length - 1 : above);
  const left = above > 0 ? item(rows, above - 1) : right;
  const share =
    left === right || right.clients <= clients
      ? 1
      : Math.log(clients / left.clients) / Math.log(right.clients / left.clients);
  return (1 - share) * valueOf(left) + share * valueOf(right);
}

/** The limit of the largest rate that is at most the wanted one; without one, the largest limit. */
function readQuantile<K extends string>(
  quantiles: readonly (Readonly<Record<K, number>> & { readonly rate: number })[],
  limit: K,
  rate: number,
): number {
  const own = quantiles.find((one) => one.rate <= rate);
  return (own ?? item(quantiles, quantiles.length - 1))[limit];
}

/** Smaller scores are usual among any clients, so no gap below is larger for being above them. */
const leastScore = 2;

/** A gap in the scores of a federation, with fewer than half of the clients above it. */
interface Gap {
  /** The lowest score above the gap over the highest one below it. */
  readonly ratio: number;
  /** The highest score below the gap, at least 2. */
  readonly below: number;
}

/** Lists the gaps in the scores of at least three clients, the highest first. */
export function listGaps(scores: Float64Array): Gap[] {
  const sorted = scores.toSorted().reverse();
  const half = Math.ceil(sorted.length / 2) - 1;
  return Array.from({ length: half }, (_, k) => {
    const below = Math.max(at(sorted, k + 1), leastScore);
    return { ratio: at(sorted, k) / below, below };
  });
}

/**
 * The score above which clients are apart from all others: those above the lowest gap that is
 * larger than a limit. How far honest clients are from each other depends on their data, and the
 * others show it.
 * @param limit a ratio that few federations without a contaminated client have
 * @returns Infinity if no gap is larger
 */
function findApart(scores: Float64Array, limit: number): number {
  const gap = listGaps(scores).findLast(({ ratio }) => ratio > limit);
  return gap ? limit * gap.below : Infinity;
}
