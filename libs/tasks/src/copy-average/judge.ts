import type { Verdict } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { distanceLimit, linearLimit, type Signals } from "./signals.js";

/** What is held against one student, each as a share of its limit: above 1 it is contaminated. */
export interface Evidence {
  /** Of the aggregator's own score; null where it gave none, or found no threshold. */
  readonly aggregator: number | null;
  /** Of the deviation of the linear part. */
  readonly linearPart: number;
  /** Of the distance of the function. */
  readonly functionDistance: number;
}

/**
 * One entry a student.
 * @param nullLoss loss of the student that is 0
 * @param verdicts of the aggregator, in the order of the signals; undefined where it has none
 */
export function evidenceOf(
  signals: Signals,
  nullLoss: number,
  verdicts: readonly (Verdict | undefined)[],
): readonly Evidence[] {
  const linearMost = linearLimit(signals);
  const distanceMost = distanceLimit(signals, nullLoss);
  return signals.linearDeviation.map((deviation, c) => ({
    aggregator: shareOf(verdicts[c]),
    linearPart: deviation / linearMost,
    functionDistance: item(signals.functionDistance, c) / distanceMost,
  }));
}

function shareOf(verdict: Verdict | undefined): number | null {
  const { score = null, threshold = null } = verdict ?? {};
  return score === null || threshold === null || threshold === 0 ? null : score / threshold;
}

/**
 * The aggregator's verdict with the task's own evidence on top: a subspace does not tell a student of the negated teacher
 * from an honest one, its function does. The score is the largest share of a limit, the threshold 1.
 */
export function verdictWith({ clientId, status }: Verdict, evidence: Evidence): Verdict {
  if (status === "invalid" || status === "inactive") {
    return { clientId, status, pooled: false, score: null, threshold: null };
  }
  const { aggregator, linearPart, functionDistance } = evidence;
  const score = Math.max(aggregator ?? 0, linearPart, functionDistance);
  const contaminated = status === "contaminated" || score > 1;
  return {
    clientId,
    status: contaminated ? "contaminated" : "benign",
    pooled: !contaminated,
    score,
    threshold: 1,
  };
}

/** May the students be averaged? */
export type Safety = "safe" | "degraded" | "unsafe";

/** @param ratio ρ, the loss of the aggregate over that of the students it is made of */
export function safetyOf(ratio: number): Safety {
  if (ratio <= 1.25) return "safe";
  return ratio <= 4 ? "degraded" : "unsafe";
}
