/*
 * The rounds of a run as pages read them: the report holds all of them, and the live page gets them
 * one by one, for one client or for one round. Both ends use this file.
 */

/** The verdicts of records, failures, and clients that nobody judged, with a letter for each. */
export const verdictLetters = {
  benign: "b",
  contaminated: "c",
  undecided: "u",
  inactive: "n",
  invalid: "i",
  failed: "f",
  "not judged": "-",
} as const;

export type VerdictInRound = keyof typeof verdictLetters;

/**
 * One value per client of a round, separated by spaces; a single one if they are all the same. A
 * dash stands for a missing value. Numbers are texts as in tables, so that all pages show the same.
 */
export type RoundColumn = string;

/** One round of one arm. Columns have an entry for each client, in the same order. */
export interface RoundColumns {
  readonly round: number;
  /** Indices of the clients; empty if as in the round before. */
  readonly ids: RoundColumn;
  /** One of `verdictLetters` for each client. */
  readonly verdicts: string;
  readonly scores: RoundColumn;
  readonly thresholds: RoundColumn;
  /** The metric that clients measured on their own data. */
  readonly metric?: RoundColumn;
  /** Indices of `texts`: the reason of a verdict, or of a failure. */
  readonly reasons?: RoundColumn;
  /**
   * For each kind, the statistics, the deviations, and the number of rounds that they cover; empty
   * if it was left out.
   */
  readonly evidence?: readonly (readonly [RoundColumn, RoundColumn, RoundColumn])[];
  /**
   * The modules in which clients lie farthest outside, by the client's index: positions in `texts`
   * and ratios. Absent if there are none; empty if they were left out with the evidence.
   */
  readonly modules?: Readonly<Record<number, readonly (readonly [text: number, ratio: number])[]>>;
  /** What else is known about the client, in rounds of a single one. */
  readonly facts?: readonly (readonly [name: string, value: string])[];
}

/** Rounds of a run's main arm. */
export interface RoundsData {
  /** The name of the run folder, for commands. */
  readonly run: string;
  readonly arm: string;
  /** Number of rounds of the arm; not all of them may be in `rounds`. */
  readonly total: number;
  /** One of this many clients is in the rounds. */
  readonly clientSpacing: number;
  /** Display names by index of the client. */
  readonly names: Readonly<Record<number, string>>;
  /** The attack of contaminated clients, or `unknown`, by index; the others are benign. */
  readonly truths: Readonly<Record<number, string>>;
  /** The name of the metric in `RoundColumns`. */
  readonly metric?: string;
  /** The pieces of evidence. */
  readonly kinds: readonly string[];
  /** Texts that rounds refer to by index. */
  readonly texts: readonly string[];
  readonly rounds: readonly RoundColumns[];
}
