import { printable } from "@fedclair/core/internal";
import {
  byTruth,
  displayName,
  isFlagged,
  findMistake,
  formatNumber,
  truthText,
  type ArmRecord,
  type TrialDescription,
} from "@fedclair/runs";
import type { Axis } from "./axis.js";
import { groupBy } from "./group-by.js";

/** One client in one round, as drawn in the figure of scores. */
export interface ScorePoint {
  readonly round: number;
  /** The title of the panel that shows it. */
  readonly panel: string;
  readonly client: string;
  /** The attack, `benign` or `unknown`. */
  readonly truth: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly flagged: boolean;
  readonly mistake: string;
  /** Text shown instead of a missing score. */
  readonly note: string;
  /** The text for a reader who points at it. */
  readonly about: string;
}

/** The clients of a round, contaminated ones first. */
export function scorePoints(
  { round, clients }: ArmRecord,
  description: TrialDescription,
): ScorePoint[] {
  // A round has one threshold, but clients that failed do not carry it.
  const threshold =
    clients.find((client) => typeof client.threshold === "number")?.threshold ?? null;
  const panel = `round ${round} · ${thresholdText(threshold)}`;
  return [...clients].sort(byTruth).map((client) => {
    const name = displayName(client.clientId, description);
    const truth = printable(truthText(client), 200);
    const { score = null } = client;
    const mistake = findMistake(client) ?? "";
    const note = client.failure?.code ?? client.verdict ?? "not judged";
    const status = [truth, note, ...(mistake === "" ? [] : [mistake])].join(", ");
    const value = score === null ? "" : `score ${formatNumber(score)}, `;
    return {
      round,
      panel,
      client: name,
      truth,
      score,
      threshold,
      flagged: isFlagged(client),
      mistake,
      note,
      about: `${name}, round ${round}: ${value}${status}`,
    };
  });
}

export function thresholdText(threshold: number | null): string {
  return threshold === null ? "no threshold" : `threshold ${formatNumber(threshold)}`;
}

/**
 * Keeps at most `most` points for each round, truth and verdict, evenly spaced by score: many
 * thousands of points would make the figure too large to open without options more. Points without
 * a score are dropped; see `summariseUnscored`.
 */
export function thinPoints(points: readonly ScorePoint[], most: number): ScorePoint[] {
  const scored = points.filter(({ score }) => score !== null);
  const groups = groupBy(scored, ({ round, truth, flagged }) => [round, truth, flagged]);
  return groups.flatMap((group) => {
    if (group.length <= most) return group;
    const sorted = group.sort((a, b) => (a.score ?? 0) - (b.score ?? 0));
    const step = (sorted.length - 1) / (most - 1);
    return Array.from({ length: most }, (_, i) => sorted[Math.round(i * step)] ?? []).flat();
  });
}

/**
 * One point per round and truth that replaces those without a score; its note counts them, for
 * example `4 NON_FINITE, 1 inactive`.
 */
export function summariseUnscored(points: readonly ScorePoint[]): ScorePoint[] {
  const unscored = points.filter(({ score }) => score === null);
  return groupBy(unscored, ({ round, truth }) => [round, truth]).map((group) => ({
    ...group[0],
    note: groupBy(group, ({ note }) => [note])
      .map((same) => `${same.length} ${same[0].note}`)
      .join(", "),
  }));
}

/**
 * A logarithmic axis, unless some scores are negative. Zero is drawn at the lower end, a decade
 * below the smallest positive score.
 */
export function scoreAxis(points: readonly ScorePoint[]): Axis {
  let low = Infinity;
  let high = -Infinity;
  let positive = Infinity;
  for (const value of points.flatMap(({ score, threshold }) => [score, threshold])) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (value > 0) positive = Math.min(positive, value);
  }
  if (low < 0 || high === 0) return { type: "linear", domain: [low, Math.max(high, low + 1)] };
  return { type: "log", domain: [low === 0 ? positive / 10 : positive / 1.2, high * 1.2] };
}
