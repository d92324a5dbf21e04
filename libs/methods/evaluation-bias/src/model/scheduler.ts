import { sum, type Stream, item } from "@fedclair/linalg";
import { ModelError } from "./model-error.js";
import type { ScoreDistribution } from "./score-distribution.js";
import { requireReservation, type SeatRule } from "./selection.js";

/** A client as the scheduler sees it: an observed score and a group. */
export interface Candidate {
  readonly observed: number;
  /** Scores of group 2 are observed through the biased evaluation. */
  readonly group: 1 | 2;
}

/**
 * Selects the clients for a round. Reserved seats are filled by score within each group, the other
 * seats by score over all. A group cannot fill more seats than it has members. Among equal scores
 * the earlier client comes first.
 * @param seats 0 … number of candidates
 * @returns indices of candidates, as many as there are seats
 */
export function schedule(
  candidates: readonly Candidate[],
  seats: number,
  rule: SeatRule,
): readonly number[] {
  if (!(Number.isInteger(seats) && seats >= 0 && seats <= candidates.length)) {
    const message = `seats: expected a whole number from 0 to ${candidates.length} candidates, got ${seats}`;
    throw new ModelError("BAD_ARGUMENT", message);
  }
  const score = (i: number) => item(candidates, i).observed;
  const ranked = [...candidates.keys()].sort((a, b) => score(b) - score(a) || a - b);
  const members = ([1, 2] as const).map((group) =>
    ranked.filter((i) => candidates[i]?.group === group),
  );
  const reserved = countReservedSeats(rule, seats, item(members, 1).length / candidates.length);
  const selected = new Set(members.flatMap((group, g) => group.slice(0, reserved[g])));
  for (const i of ranked) {
    if (selected.size === seats) break;
    selected.add(i);
  }
  return [...selected];
}

/** Counts the seats reserved for group 1 and for group 2; together at most `seats`. */
function countReservedSeats(
  rule: SeatRule,
  seats: number,
  frac2: number,
): readonly [number, number] {
  switch (rule.name) {
    case "none":
      return [0, 0];
    case "proportional": {
      const second = Math.round(seats * frac2);
      return [seats - second, second];
    }
    case "equal":
      return [Math.floor(seats / 2), Math.floor(seats / 2)];
    case "atleast":
      requireReservation(rule.share);
      // In float64, 0.1 · 30 is slightly more than 3.
      return [0, Math.ceil(seats * rule.share - 1e-9)];
  }
}

/** A federation whose scheduler evaluates some clients with a bias in every round. */
interface Scheduling {
  readonly group1: number;
  readonly group2: number;
  readonly seats: number;
  readonly rounds: number;
  readonly rule: SeatRule;
}

/** The outcome of a simulated federation over all rounds. */
export interface Participation {
  /** Group 2's share of the seats. */
  readonly share2: number;
  /**
   * Share of group 2 that takes part, divided by that of group 1. It is a ratio of totals, because
   * a mean of ratios is biased upwards.
   */
  readonly ratio: number;
  /** Mean true contribution of the clients that take part. */
  readonly utility: number;
  /** The largest possible utility, reached by choosing the best true contributions. */
  readonly opt: number;
}

/**
 * Simulates a scheduler that gives the seats of each round to the clients with the largest observed
 * contributions. Every round draws new true contributions. Contributions of group 2
 * are observed at the same rank of the observed distribution, like people's scores.
 */
export function simulateScheduler(
  truth: ScoreDistribution,
  observed: ScoreDistribution,
  { group1, group2, seats, rounds, rule }: Scheduling,
  rng: Stream,
): Participation {
  const groups = Array.from({ length: group1 + group2 }, (_, i) => (i < group1 ? 1 : 2));
  let [seats2, utility, opt] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const ranks = groups.map(() => 1 - rng.uniform());
    const contributions = ranks.map((above) => truth.threshold(above));
    const candidates = groups.map((group, i): Candidate => {
      const own = item(contributions, i);
      return { group, observed: group === 1 ? own : observed.threshold(item(ranks, i)) };
    });
    const chosen = schedule(candidates, seats, rule);
    seats2 += chosen.filter((i) => groups[i] === 2).length;
    utility += sum(chosen.map((i) => item(contributions, i)));
    opt += sum(contributions.toSorted((a, b) => b - a).slice(0, seats));
  }
  const all = seats * rounds;
  return {
    share2: seats2 / all,
    ratio: seats2 / group2 / ((all - seats2) / group1),
    utility: utility / all,
    opt: opt / all,
  };
}
