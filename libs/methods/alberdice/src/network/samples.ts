import { UserError } from "@fedclair/core";
import { dropDeadEnds, type Transition } from "../dataset.js";

/** A distinct transition. */
export interface SampleRow {
  /** Index into `Samples.states`, like `next`. */
  readonly state: number;
  readonly next: number;
  readonly actions: readonly number[];
  readonly reward: number;
  /** Share of all transitions; the shares of all rows sum to 1. */
  readonly share: number;
}

/** A data set for training networks: the distinct transitions and how often they occur. */
export interface Samples {
  /** The states that occur, in ascending order. */
  readonly states: readonly number[];
  readonly rows: readonly SampleRow[];
  /** Number of transitions that were compressed. */
  readonly transitions: number;
}

/**
 * Merges equal transitions and computes their shares. Transitions into states without data are
 * dropped first, as for tables, because the dual has no lower bound if the value of a state is
 * free.
 * @throws UserError if none is left
 */
export function compressSamples(transitions: readonly Transition[]): Samples {
  const usable = dropDeadEnds(transitions);
  if (usable.length === 0) {
    throw new UserError(
      `none of ${transitions.length} transitions leads to a state with data of its own; add longer episodes`,
    );
  }
  const counts = new Map<string, { readonly transition: Transition; count: number }>();
  for (const transition of usable) {
    const { state, actions, reward, next } = transition;
    const key = [state, ...actions, reward, next].join();
    const entry = counts.get(key);
    if (entry) entry.count++;
    else counts.set(key, { transition, count: 1 });
  }
  const states = [...new Set(usable.map(({ state }) => state))].sort((a, b) => a - b);
  const indexOf = new Map(states.map((state, index) => [state, index]));
  return {
    states,
    rows: [...counts.values()].map(({ transition: { state, actions, reward, next }, count }) => ({
      actions,
      reward,
      share: count / usable.length,
      state: indexOf.get(state) ?? NaN,
      next: indexOf.get(next) ?? NaN,
    })),
    transitions: usable.length,
  };
}
