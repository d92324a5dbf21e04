import { UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { z } from "zod";
import { pieceMeanings, type PieceKind } from "./pieces.js";

const kinds = Object.keys(pieceMeanings) as [PieceKind, ...PieceKind[]];
const positive = z.number().positive();

const rowSchema = z.strictObject({
  clients: z.int().min(3).describe("Number of clients of a federation."),
  federations: z.int().min(1).describe("Number of clean federations behind the row."),
  usual: positive.describe("8 % of honest clients have a larger score."),
  quantiles: z
    .array(
      z.strictObject({
        rate: z.number().gt(0).lt(1).describe("Share of clean federations."),
        score: positive.describe("This share has a client with a larger score."),
      }),
    )
    .min(2)
    .describe("Rates descending, scores ascending."),
});

/** The schema of a bank file. */
export const bankSchema = z.strictObject({
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
      }),
    )
    .min(1)
    .describe("By number of clients, ascending, for each kind of federation."),
  overRounds: z
    .array(rowSchema)
    .optional()
    .describe("For scores over rounds, by number of clients, ascending."),
});

/**
 * What honest clients look like, measured on federations without a contaminated client: the usual
 * spread of every piece of evidence, and how large the largest score of such a federation is.
 */
export type Bank = z.infer<typeof bankSchema>;

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
  /** The largest number of clients that was measured for them; more clients use its thresholds. */
  readonly largest: number;
}

/** What decides which rows of a bank a federation has. */
export interface FederationKind {
  readonly clients: number;
  /** Whether a space holds half of the clients' energy. */
  readonly hasSpace: boolean;
  /** See `haveFewNumbers`. */
  readonly fewNumbers: boolean;
}

/** The rate of `Thresholds.shared`. */
const sharedRate = 0.2;

/**
 * Reads the thresholds for scores of one round. A bank without rows for changes of few numbers, or
 * for federations with or without a space, gives its other rows.
 * @param rate share of federations without a contaminated client in which any client is flagged
 */
export function findThresholds(
  { thresholds }: Bank,
  { clients, hasSpace, fewNumbers }: FederationKind,
  rate: number,
): Thresholds {
  const few = thresholds.filter((row) => row.fewNumbers);
  const others = thresholds.filter((row) => !row.fewNumbers);
  const own = others.filter((row) => row.hasSpace === hasSpace);
  const choices = [fewNumbers ? few : [], own, others, few];
  return readRows(choices.find((rows) => rows.length > 0) ?? [], clients, rate);
}

/**
 * Reads the thresholds for scores over rounds. A bank that was made from single rounds only gives
 * those of a round.
 */
export function findThresholdsOverRounds(
  bank: Bank,
  federation: FederationKind,
  rate: number,
): Thresholds {
  const { overRounds = [] } = bank;
  return overRounds.length > 0
    ? readRows(overRounds, federation.clients, rate)
    : findThresholds(bank, federation, rate);
}

/** Thresholds for a number of clients; see `Bank`. */
export type BankRow = z.infer<typeof rowSchema>;

/**
 * Interpolates between rows over the logarithm of the number of clients. Beyond the first and the
 * last row it takes that row.
 */
function readRows(rows: readonly BankRow[], clients: number, rate: number): Thresholds {
  const above = rows.findIndex((row) => row.clients >= clients);
  const right = item(rows, above < 0 ? rows.length - 1 : above);
  const left = above > 0 ? item(rows, above - 1) : right;
  const share =
    left === right || right.clients <= clients
      ? 1
      : Math.log(clients / left.clients) / Math.log(right.clients / left.clients);
  const at = (wanted: number) =>
    (1 - share) * readQuantile(left.quantiles, wanted) +
    share * readQuantile(right.quantiles, wanted);
  const lower = (1 - share) * left.usual + share * right.usual;
  const upper = Math.max(at(rate), lower);
  const shared = Math.min(upper, Math.max(at(sharedRate), lower));
  return { upper, lower, shared, largest: item(rows, rows.length - 1).clients };
}

/** Interpolates over ln of the rate, and extrapolates beyond the smallest rate. */
function readQuantile(quantiles: BankRow["quantiles"], rate: number): number {
  const next = quantiles.findIndex((one) => one.rate <= rate);
  if (next === 0) return item(quantiles, 0).score;
  const last = next < 0 ? quantiles.length - 1 : next;
  const [low, high] = [item(quantiles, last - 1), item(quantiles, last)];
  const share = Math.log(low.rate / rate) / Math.log(low.rate / high.rate);
  return low.score + share * (high.score - low.score);
}
