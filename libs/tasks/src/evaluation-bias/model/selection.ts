import { ModelError } from "./model-error.js";
import type { ScoreDistribution } from "./score-distribution.js";

/** How seats are shared out, beside "the highest observed scores". */
export type SeatRule =
  | { readonly name: "none" }
  /** To each group its share of the population. */
  | { readonly name: "proportional" }
  /** Half of the seats to each group. */
  | { readonly name: "equal" }
  /** At least `share` (0 … 1) of the seats to group 2. */
  | { readonly name: "atleast"; readonly share: number };

export interface SelectionSetting {
  /** Group 2's share of the population, between 0 and 1. */
  readonly frac2: number;
  /** Seats over population, between 0 and 1. */
  readonly c: number;
  readonly rule: SeatRule;
}

/** What a selection comes to in a large population. */
export interface Selection {
  /** Selected share of group 1, and of group 2. */
  readonly s1: number;
  readonly s2: number;
  /** Representation ratio s2/s1. */
  readonly ratio: number;
  /** Group 2's share of the seats. */
  readonly share2: number;
  /** Mean true score of the selected. */
  readonly utility: number;
  /** The largest possible utility. */
  readonly opt: number;
}

/**
 * Selects the best observed scores of two groups with the same true scores: group 1 is observed exactly, group 2 through
 * an evaluation that keeps the ranks within the group. Seats that a rule reserves are filled by score within
 * each group, the others by score over all.
 * @throws ModelError BAD_ARGUMENT for shares out of range
 */
export function select(
  truth: ScoreDistribution,
  observed: ScoreDistribution,
  { frac2, c, rule }: SelectionSetting,
): Selection {
  requireShare("frac2", frac2);
  requireShare("c", c);
  const f1 = 1 - frac2;
  const [reserved1, reserved2] = reservedShares(rule, frac2);
  // A group cannot fill more seats than it has members.
  const least1 = Math.min(1, (reserved1 * c) / f1);
  const least2 = Math.min(1, (reserved2 * c) / frac2);
  const s1At = (t: number) => Math.max(least1, truth.survival(t));
  const s2At = (t: number) => Math.max(least2, observed.survival(t));
  const t = fall((x) => f1 * s1At(x) + frac2 * s2At(x) - c, truth, observed, c);
  // With all seats reserved nobody stands above the threshold, and t lies where neither group reaches.
  const [s1, s2] = [s1At(t), s2At(t)];
  return {
    ...{ s1, s2, ratio: s2 / s1, share2: (frac2 * s2) / c },
    utility: (f1 * truth.upperMean(s1) + frac2 * truth.upperMean(s2)) / c,
    opt: truth.upperMean(c) / c,
  };
}

/** Shares of the seats held for group 1 and group 2. */
function reservedShares(rule: SeatRule, frac2: number): [number, number] {
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

/** @throws ModelError BAD_ARGUMENT unless the share of the seats that rule `atleast` holds is 0 to 1 */
export function requireReservation(share: number): void {
  if (share >= 0 && share <= 1) return;
  throw new ModelError("BAD_ARGUMENT", `atleast: expected 0 to 1, got ${share}`);
}

/** The threshold at which a falling function of it reaches 0, by bisection. */
function fall(
  seatsOver: (t: number) => number,
  truth: ScoreDistribution,
  observed: ScoreDistribution,
  c: number,
): number {
  const few = c * 1e-15;
  // Evenly in asinh t, which is ln t for large t: a heavy tail may reach to 1e299, and t lie near 1.
  let low = Math.asinh(Math.min(truth.threshold(1), observed.threshold(1)));
  let high = Math.asinh(Math.max(truth.threshold(few), observed.threshold(few)));
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    // Rounding must not count as a seat too many: then all are reserved, and t goes up to where nobody else is.
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
