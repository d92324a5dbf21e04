import type { RunStatus, VerdictCard } from "@fedclair/runs";
import type { HeatTable } from "./heat-tables.js";
import type { RoundColumns, RoundsData } from "./rounds.js";

/*
 * What the server sends to the page. This file imports only types, because both ends use it.
 */

/** A run, a study or a sweep in a list. */
export interface Entry {
  /** Relative to the folder that is served; empty for the folder itself. */
  readonly path: string;
  readonly kind: "run" | "sweep";
  readonly name: string;
  readonly status: Status;
  /** Finished trials of a sweep; completed rounds of a run, over all arms. */
  readonly done: number;
  readonly of: number;
  readonly task?: string;
  readonly aggregator?: string;
  readonly seed?: number;
  /** ISO 8601. */
  readonly started?: string;
  /** Why a run failed or cannot be read. */
  readonly fault?: string;
  /** The verdicts of a finished run, or of a sweep's finished ones, at a glance. */
  readonly card?: VerdictCard;
  /** The primary measure of a finished run. */
  readonly primary?: { readonly name: string; readonly value: number };
}

export type Status = RunStatus | "waiting" | "broken";

/** The runs under a folder. */
export interface Listing {
  /** The name of the folder that is served. */
  readonly root: string;
  /** Does the folder itself hold a run? Then it is the only entry. */
  readonly isRun: boolean;
  /** Are the entries the runs of a sweep or study in this folder? */
  readonly isSweep: boolean;
  readonly entries: readonly Entry[];
}

/** Everything about a run except its rounds. */
export interface RunState {
  readonly path: string;
  readonly name: string;
  readonly claim?: string | undefined;
  readonly status: Status;
  /** Why it failed, or which process is gone. */
  readonly why?: string | undefined;
  /** The result at a glance, as in terminal and report; absent before a run begins. */
  readonly card?: VerdictCard;
  /** The sentence that terminal and report print too. */
  readonly sentence: string;
  readonly started?: string;
  readonly backend?: string | undefined;
  readonly version?: string;
  readonly seed: number;
  readonly task: string;
  readonly clients: number;
  readonly rounds: number;
  /** All arms, the main one first. */
  readonly arms: readonly ArmState[];
  /** Seconds until the end, if the next rounds take as long as the last ones. */
  readonly secondsLeft?: number | undefined;
  /** The metric by which arms are compared. */
  readonly metric?: MetricState | undefined;
  /** What the clients that measure are called: `benign clients`. */
  readonly measuring: string;
  /** Flagged clients, those furthest above the threshold first; only the first ones. */
  readonly flagged: readonly FlaggedClient[];
  readonly flaggedCount: number;
  /** Does anyone judge clients? */
  readonly judges: boolean;
  readonly hasReport: boolean;
  /** One of this many clients is in the map. */
  readonly clientSpacing: number;
  /** One of this many rounds is in the map. */
  readonly roundSpacing: number;
  /** Problems that do not stop the page. */
  readonly notices: readonly string[];
}

interface ArmState {
  readonly label: string;
  readonly rounds: number;
  readonly stopped?: string | undefined;
}

export interface MetricState {
  readonly name: string;
  readonly better?: "higher" | "lower" | undefined;
  readonly unit?: string | undefined;
  /** Does the coordinator measure it, and not the clients? */
  readonly isGlobal: boolean;
}

export interface FlaggedClient {
  readonly id: string;
  readonly name: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly truth: string;
  readonly mistake?: string;
  readonly roundsFlagged: number;
  readonly roundsJudged: number;
}

/** One round of one arm. */
export interface StreamedArmRound {
  /** Index of the arm. */
  readonly a: number;
  readonly round: number;
  /** Absent if the round is not in the map. */
  readonly columns?: RoundColumns;
  /** The truths about clients that the reader has not been sent, as in `RoundsData`. */
  readonly truths?: RoundsData["truths"];
  /** The primary metric: mean, 10 % and 90 % quantile, and number of clients. */
  readonly metric?: readonly [mean: number, low: number, high: number, n: number];
  /** Bytes of training, sent and received. */
  readonly down: number;
  readonly up: number;
}

/** Time and memory of one round of one arm. */
export interface RoundCost {
  readonly a: number;
  readonly train: number;
  readonly aggregate: number;
  readonly evaluate: number;
  readonly write: number;
  /** Peak resident memory of the coordinator so far, in bytes. */
  readonly memory: number;
  /** Bytes over the sockets since the coordinator's start. */
  readonly sent?: number;
  readonly received?: number;
}

/** Names of clients by index, of those that have one. */
export type Names = Readonly<Record<number, string>>;

/** A sweep or study: its runs and what they say together. */
export interface SweepView {
  readonly name: string;
  readonly claim?: string;
  /** What matters most, by topic. */
  readonly highlights: readonly { readonly topic: string; readonly texts: readonly string[] }[];
  /** The verdicts of all its runs at a glance. */
  readonly card: VerdictCard;
  /** The results; empty until a trial has finished. */
  readonly tables: readonly HeatTable[];
  /** Is there a page with the figures? */
  readonly hasReport: boolean;
}

/** What a reader can learn about a run without one of its clients. */
export interface ReplayOffer {
  /** Can readers with the token start a replay? */
  readonly canStart: boolean;
  /** Replays without the client, by the first round without it; one of them may be running. */
  readonly replays: readonly { readonly path: string; readonly from: number }[];
}

/** Number of runs, studies and sweeps that can be compared. */
export const maxCompared = 6;
