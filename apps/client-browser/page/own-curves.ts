import type { MeasuredRound } from "@fedclair/view/browser";

type Curve = readonly MeasuredRound[];

/**
 * Adds a round's mean to the last curve, or replaces it while the round goes on. An earlier round
 * begins another curve: the coordinator runs one method after the other, and a host gets its jobs
 * in order.
 */
export function addToCurves(
  curves: readonly Curve[],
  round: number,
  values: readonly number[],
): readonly Curve[] {
  const last = curves.at(-1) ?? [];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const point = { round, mean, low: mean, high: mean, count: values.length };
  const before = last.at(-1)?.round ?? 0;
  if (round < before) return [...curves, [point]];
  return [...curves.slice(0, -1), [...(round === before ? last.slice(0, -1) : last), point]];
}
