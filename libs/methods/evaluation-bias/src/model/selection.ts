import { ModelError } from "./model-error.js";
import type { ScoreDistribution } from "./score-distribution.js";

/** How seats are allocated. Rule `none` selects the highest observed scores. */
export type SeatRule =
  | { readonly name: "none" }
  /** Each group gets its share of the population. */
  | { readonly name: "proportional" }
  /** Each group gets half of the seats. */
  | { readonly name: "equal" }
  /** Group 2 gets at least `share` (0 … 1) of the seats. */
  | { readonly name: "atleast"; readonly share: number };

export interface SelectionSetting {
  /** Group 2's share of the population, between 0 and 1. */
  readonly frac2: number;
  /** Seats over population, between 0 and 1. */
  readonly c: number;
  readonly rule: SeatRule;
}

/** The outcome of a selection in a large population. */
export interface SelectionOutcome {
  /** Selected shares of group 1 (`s1`) and of group 2 (`s2`). */
  readonly s1: number;
  readonly s2: number;
  /** Representation ratio s2/s1. */
  readonly ratio: number;
  /** Group 2's share of the seats. */
  readonly share2: number;
  /** Mean true score of the selected people. */
  readonly utility: number;
  /** The largest possible utility. */
  readonly opt: number;
}

/**
 * Selects the best observed scores of two groups with the same true scores. Group 1 is observed
 * exactly, group 2 through an evaluation that keeps the ranks within the group. Reserved seats are
 * filled by score within each group, the other seats by score over all.
 * @throws ModelError BAD_ARGUMENT for shares out of range
 */
export function select(
  truth: ScoreDistribution,
  observed: ScoreDistribution,
  { frac2, c, rule }: SelectionSetting,
): SelectionOutcome {
  requireShare("frac2", frac2);
  requireShare("c", c);
  const f1 = 1 - frac2;
  const [reserved1, reserved2] = getReservedShares(rule, frac2);
  // A group cannot fill more seats than it has members.
  const least1 = Math.min(1, (reserved1 * c) / f1);
  const least2 = Math.min(1, (reserved2 * c) / frac2);
  const s1At = (t: number) => Math.max(least1, truth.survival(t));
  const s2At = (t: number) => Math.max(least2, observed.survival(t));
  const t = findThreshold((x) => f1 * s1At(x) + frac2 * s2At(x) - c, truth, observed, c);
  // If all seats are reserved, t lies above the scores of both groups.
  const [s1, s2] = [s1At(t), s2At(t)];
  return {
    s1,
    s2,
    ratio: s2 / s1,
    share2: (frac2 * s2) / c,
    utility: (f1 * truth.upperMean(s1) + frac2 * truth.upperMean(s2)) / c,
    opt: truth.upperMean(c) / c,
  };
}

/** Returns the shares of the seats that are reserved for group 1 and group 2. */
function getReservedShares(rule: SeatRule, frac2: number): [number, number] {
  switch (rule.name) {
    case "none":
      return [0, 0];
    case "proportional":
      return [1 - frac2, frac2];
    case "equal":
      return [0.5, 0.5];
    case "atleast":
      requireReservation(rule.share);
      return [0, rule.share];
  }
}

/**
 * Requires a share of 0 to 1 for rule `atleast`.
 * @throws ModelError BAD_ARGUMENT otherwise
 */
export function requireReservation(share: number): void {
  if (share >= 0 && share <= 1) return;
  throw new ModelError("BAD_ARGUMENT", `atleast: expected 0 to 1, got ${share}`);
}

/** Finds the threshold at which a falling function of it reaches 0, by bisection. */
function findThreshold(
  seatsOver: (t: number) => number,
  truth: ScoreDistribution,
  observed: ScoreDistribution,
  c: number,
): number {
  const few = c * 1e-15;
  // Bisect in asinh t, which is close to ln t for large t: a heavy tail may reach 1e299 while t
  // lies near 1.
  let low = Math.asinh(Math.min(truth.threshold(1), observed.threshold(1)));
  let high = Math.asinh(Math.max(truth.threshold(few), observed.threshold(few)));
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    // Rounding must not count as a seat too many: if all seats are reserved, t has to rise above
    // all scores.
    if (seatsOver(Math.sinh(middle)) > 1e-15 * c) low = middle;
    else high = middle;
  }
  return Math.sinh(high);
}

function requireShare(name: string, value: number): void {
  if (!(value > 0 && value < 1)) {
    throw new ModelError("BAD_ARGUMENT", `${name}: expected between 0 and 1, got ${value}`);
  }
}
