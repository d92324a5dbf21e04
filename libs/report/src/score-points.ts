import { printable } from "@fedclair/core/internal";
import {
  byTruth,
  displayName,
  isFlagged,
  findMistake,
  truthText,
  type ArmRecord,
  type TrialDescription,
} from "@fedclair/runs";
import type { Axis } from "./axis.js";

/** One client in one round, as the figure of scores draws it. */
export interface ScorePoint {
  readonly round: number;
  readonly client: string;
  /** The attack, `benign` or `unknown`. */
  readonly truth: string;
  readonly score: number | null;
  readonly threshold: number | null;
  readonly flagged: boolean;
  readonly mistake: string;
  /** What stands in place of a score that is absent. */
  readonly note: string;
}

/** The clients of a round, contaminated first. */
export function scorePoints(
  { round, clients }: ArmRecord,
  description: TrialDescription,
): ScorePoint[] {
  // One threshold a round: clients that failed carry none.
  const threshold =
    clients.find((client) => typeof client.threshold === "number")?.threshold ?? null;
  return [...clients].sort(byTruth).map((client) => ({
    round,
    client: displayName(client.clientId, description),
    truth: printable(truthText(client), 200),
    score: client.score ?? null,
    threshold,
    flagged: isFlagged(client),
    mistake: findMistake(client) ?? "",
    note: client.failure?.code ?? client.verdict ?? "not judged",
  }));
}

/**
 * At most `most` points a round of those with equal truth and verdict, evenly spaced by score: a figure of many thousands
 * would be too large to open and show no more. Points without a score go: see `unscored`.
 */
export function thinned(points: readonly ScorePoint[], most: number): ScorePoint[] {
  const groups = new Map<string, ScorePoint[]>();
  for (const point of points) {
    if (point.score === null) continue;
    const key = JSON.stringify([point.round, point.truth, point.flagged]);
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  return [...groups.values()].flatMap((group) => {
    if (group.length <= most) return group;
    const sorted = group.sort((a, b) => (a.score ?? 0) - (b.score ?? 0));
    const step = (sorted.length - 1) / (most - 1);
    return Array.from({ length: most }, (_, i) => sorted[Math.round(i * step)] ?? []).flat();
  });
}

/** A point a round and truth in place of those without a score, whose note counts them: `4 NON_FINITE, 1 inactive`. */
export function unscored(points: readonly ScorePoint[]): ScorePoint[] {
  const groups = new Map<string, { first: ScorePoint; counts: Map<string, number> }>();
  for (const point of points.filter(({ score }) => score === null)) {
    const { round, truth, note } = point;
    const key = JSON.stringify([round, truth]);
    const { first, counts } = groups.get(key) ?? {
      first: point,
      counts: new Map<string, number>(),
    };
    groups.set(key, { first, counts: counts.set(note, (counts.get(note) ?? 0) + 1) });
  }
  return [...groups.values()].map(({ first, counts }) => ({
    ...first,
    note: [...counts].map(([note, count]) => `${count} ${note}`).join(", "),
  }));
}

/** Logarithmic, unless some scores are negative. Zero has no logarithm: it is drawn at the lower end, a decade below the smallest positive score. */
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
