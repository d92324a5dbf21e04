import { item } from "@fedclair/linalg";
import { UserError } from "@fedclair/core";

/** A convex f with f(1) = 0, used as the penalty of a stationary-distribution correction. */
export interface Divergence {
  readonly f: (x: number) => number;
  /** (f')⁻¹, the inverse of the slope; it may be negative. */
  readonly inverseSlope: (y: number) => number;
  /** f'(1), the slope at which the correction is 1. */
  readonly slopeAtOne: number;
}

const kl: Divergence = {
  f: (x) => (x === 0 ? 0 : x * Math.log(x)),
  inverseSlope: (y) => Math.exp(y - 1),
  slopeAtOne: 1,
};

/** The three divergences of OptiDICE. AlberDICE itself is defined for KL only. */
export const divergences = {
  kl,
  chi2: {
    f: (x) => (x - 1) ** 2 / 2,
    inverseSlope: (y) => y + 1,
    slopeAtOne: 0,
  },
  softchi2: {
    f: (x) => (x >= 1 ? (x - 1) ** 2 / 2 : kl.f(x) - x + 1),
    inverseSlope: (y) => (y < 0 ? Math.exp(y) : y + 1),
    slopeAtOne: 0,
  },
} as const satisfies Record<string, Divergence>;

/**
 * Computes the correction w = max(0, (f')⁻¹(y)). The maximum keeps the visit distribution
 * non-negative.
 */
export function correction({ inverseSlope }: Divergence, y: number): number {
  return Math.max(0, inverseSlope(y));
}

interface SingleStateDice {
  /** The multiplier of the constraint Σ d = 1. */
  readonly lam: number;
  /** The correction d/dᴰ by action. */
  readonly w: readonly number[];
  readonly d: readonly number[];
}

/**
 * Computes the optimal visit distribution of a one-state problem: it maximises Σ d·r - α Σ dᴰ
 * f(d/dᴰ) over distributions d. Bisection finds the multiplier to the last bit.
 * @param reward by action
 * @param data dᴰ by action, positive, summing to 1
 * @param alpha weight of the penalty, > 0
 * @throws UserError if lengths differ, or alpha or a share is not positive
 */
export function singleStateDice(
  reward: readonly number[],
  data: readonly number[],
  alpha: number,
  divergence: Divergence,
): SingleStateDice {
  if (reward.length !== data.length || reward.length === 0) {
    throw new UserError(
      `single-state DICE: ${reward.length} rewards and ${data.length} shares, expected as many of each`,
    );
  }
  if (!(alpha > 0)) throw new UserError(`single-state DICE: expected alpha > 0, got ${alpha}`);
  const bad = data.find((share) => !(share > 0));
  if (bad !== undefined) {
    throw new UserError(`single-state DICE: expected positive shares of the data, got ${bad}`);
  }
  const weights = (lam: number) => reward.map((r) => correction(divergence, (r - lam) / alpha));
  const mass = (lam: number) => weights(lam).reduce((total, w, a) => total + w * item(data, a), 0);
  // Every correction is at least 1 at the lower end, and at most 1 at the upper one.
  let low = Math.min(...reward) - alpha * divergence.slopeAtOne;
  let high = Math.max(...reward) - alpha * divergence.slopeAtOne;
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (mass(middle) > 1) low = middle;
    else high = middle;
  }
  const w = weights(high);
  return { lam: high, w, d: w.map((weight, a) => weight * item(data, a)) };
}
