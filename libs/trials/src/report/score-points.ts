import type { ArmRecord } from "../run-folder.js";
import { isFlagged } from "../summary.js";
import { byTruth, displayName, mistakeOf } from "./clients.js";
import type { ClientLabel } from "./run.js";

/** One client in one round, as the figure of scores draws it. */
export interface ScorePoint {
  readonly round: number;
  readonly client: string;
  /** `benign` or the attack. */
  readonly truth: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly flagged: boolean;
  readonly mistake: string;
  readonly note: string;
}

/** Where scores lie: logarithmic, unless some are negative. */
export interface ScoreAxis {
  readonly type: "log" | "linear";
  readonly domain: readonly [number, number];
}

/** Zero has no logarithm: it is drawn at the lower end, a decade below the smallest positive score. */
export function scoreAxis(values: readonly number[]): ScoreAxis {
  const high = Math.max(...values);
  const low = Math.min(...values);
  if (low < 0 || high === 0) return { type: "linear", domain: [low, Math.max(high, low + 1)] };
  const positive = Math.min(...values.filter((value) => value > 0));
  return { type: "log", domain: [low === 0 ? positive / 10 : positive / 1.2, high * 1.2] };
}

/** The clients of a round, contaminated first. */
export function scorePoints({ round, clients }: ArmRecord, label?: ClientLabel): ScorePoint[] {
  const thresholds = clients.flatMap(({ threshold }) => threshold ?? []);
  return [...clients].sort(byTruth).map((client) => ({
    round,
    client: displayName(client.clientId, label),
    truth: client.attack ?? "benign",
    score: client.score ?? null,
    threshold: client.threshold ?? thresholds[0] ?? null,
    flagged: isFlagged(client),
    mistake: mistakeOf(client) ?? "",
    // What stands in the row of a client that has no score.
    note: client.failure?.code ?? client.verdict ?? "not judged",
  }));
}
