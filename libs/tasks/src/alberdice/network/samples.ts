import { UserError } from "@fedclair/core";
import { close, type Transition } from "../dataset.js";

/** A distinct transition. */
export interface SampleRow {
  /** Index into `Samples.states`, as is `next`. */
  readonly state: number;
  readonly next: number;
  readonly actions: readonly number[];
  readonly reward: number;
  /** Its share of all transitions; those of all rows sum to 1. */
  readonly share: number;
}

/** A data set as networks learn from it: what differs, and how often it occurs. */
export interface Samples {
  /** The states that occur, ascending. */
  readonly states: readonly number[];
  readonly rows: readonly SampleRow[];
  /** Transitions that it was made from. */
  readonly transitions: number;
}

/**
 * Distinct transitions with their shares. Transitions into states without data are dropped
 * first, as for tables: nothing would hold the value of such a state up, and the dual would fall for ever.
 * @throws UserError if none is left
 */
export function compress(transitions: readonly Transition[]): Samples {
  const kept = close(transitions);
  if (kept.length === 0) {
    throw new UserError(
      `none of ${transitions.length} transitions leads to a state with data of its own; add longer episodes`,
    );
  }
  const counts = new Map<string, { readonly transition: Transition; count: number }>();
  for (const transition of kept) {
    const { state, actions, reward, next } = transition;
    const key = [state, ...actions, reward, next].join();
    const known = counts.get(key);
    if (known) known.count++;
    else counts.set(key, { transition, count: 1 });
  }
  const states = [...new Set(kept.map(({ state }) => state))].sort((a, b) => a - b);
  const indexOf = new Map(states.map((state, index) => [state, index]));
  return {
    states,
    rows: [...counts.values()].map(({ transition: { state, actions, reward, next }, count }) => ({
      ...{ actions, reward, share: count / kept.length },
      ...{ state: indexOf.get(state) ?? NaN, next: indexOf.get(next) ?? NaN },
    })),
    transitions: kept.length,
  };
}
