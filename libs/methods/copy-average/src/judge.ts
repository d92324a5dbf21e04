import type { Verdict } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { distanceLimit, linearLimit, type Signals } from "./signals.js";

/**
 * The evidence about one student, each kind as a share of its limit. Above 1, the student is
 * flagged.
 */
export interface StudentEvidence {
  /** Share for the aggregator's own score; null if the aggregator has no score or no threshold. */
  readonly aggregator: number | null;
  /** Share for the deviation of the linear part. */
  readonly linearPart: number;
  /** Share for the distance of the function. */
  readonly functionDistance: number;
}

/**
 * Computes the evidence about each student.
 * @param nullLoss loss of the student that is 0
 * @param verdicts the aggregator's verdicts in the order of the signals; undefined for a student
 * without one
 */
export function computeEvidence(
  signals: Signals,
  nullLoss: number,
  verdicts: readonly (Verdict | undefined)[],
): readonly StudentEvidence[] {
  const linearMaximum = linearLimit(signals);
  const distanceMaximum = distanceLimit(signals, nullLoss);
  return signals.linearDeviation.map((deviation, c) => ({
    aggregator: computeShare(verdicts[c]),
    linearPart: deviation / linearMaximum,
    functionDistance: item(signals.functionDistance, c) / distanceMaximum,
  }));
}

function computeShare(verdict: Verdict | undefined): number | null {
  const { score = null, threshold = null } = verdict ?? {};
  return score === null || threshold === null || threshold === 0 ? null : score / threshold;
}

/**
 * Adds the task's own evidence to the aggregator's verdict. A student of the negated teacher lies
 * in the same subspace as a benign one, but its function differs. The score is the largest share of
 * a limit, and the threshold is 1.
 */
export function addEvidence({ clientId, status }: Verdict, evidence: StudentEvidence): Verdict {
  if (status === "invalid" || status === "inactive") {
    return { clientId, status, pooled: false, score: null, threshold: null };
  }
  const { aggregator, linearPart, functionDistance } = evidence;
  const score = Math.max(aggregator ?? 0, linearPart, functionDistance);
  const isContaminated = status === "contaminated" || score > 1;
  return {
    clientId,
    status: isContaminated ? "contaminated" : "benign",
    pooled: !isContaminated,
    score,
    threshold: 1,
  };
}

/** How safe it is to average the students. */
export type Safety = "safe" | "degraded" | "unsafe";

/**
 * Classifies the cost of averaging.
 * @param ratio ρ, the loss of the aggregate over that of the averaged students
 */
export function classifySafety(ratio: number): Safety {
  if (ratio <= 1.25) return "safe";
  return ratio <= 4 ? "degraded" : "unsafe";
}
