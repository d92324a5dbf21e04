import type { GameShape, Transition } from "./dataset.js";
import { jointProbabilities, type Policy } from "./policy.js";

/** A game of one state: what a joint action pays, the first agent's action in the row. */
export type Payoff = readonly (readonly number[])[];

/** XOR (specification, section 6.2): actions A and B; the two must differ, and both B costs most. */
export const xorPayoff: Payoff = [
  [0, 1],
  [1, -2],
];

/** Data sets of XOR: joint actions in equal shares. */
export const xorData = {
  AB: [[0, 1]],
  AB_BA: [
    [0, 1],
    [1, 0],
  ],
  AA_AB_BA: [
    [0, 0],
    [0, 1],
    [1, 0],
  ],
  all: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
} as const;

export function matrixShape(payoff: Payoff): GameShape {
  return { states: 1, actions: [payoff.length, payoff[0]?.length ?? 0] };
}

/** A joint action played `count` times. */
export function repeated(
  payoff: Payoff,
  actions: readonly [number, number],
  count: number,
): Transition[] {
  const reward = payoff[actions[0]]?.[actions[1]] ?? NaN;
  return Array.from({ length: count }, () => ({ state: 0, actions, reward, next: 0 }));
}

/** The expected reward of one step. */
export function matrixValue(payoff: Payoff, policies: readonly Policy[]): number {
  const joint = jointProbabilities(policies, 0, matrixShape(payoff));
  return payoff.flat().reduce((total, reward, k) => total + reward * (joint[k] ?? NaN), 0);
}

export function bestMatrixValue(payoff: Payoff): number {
  return Math.max(...payoff.flat());
}

/** How much the better of the two agents could gain by changing its policy alone. */
export function matrixNashGap(payoff: Payoff, policies: readonly Policy[]): number {
  const [first, second] = policies.map((policy) => policy[0]);
  const byRow = payoff.map((row) =>
    row.reduce((total, reward, b) => total + reward * (second?.[b] ?? NaN), 0),
  );
  const byColumn = (payoff[0] ?? []).map((_, b) =>
    payoff.reduce((total, row, a) => total + (row[b] ?? NaN) * (first?.[a] ?? NaN), 0),
  );
  return Math.max(...byRow, ...byColumn) - matrixValue(payoff, policies);
}
