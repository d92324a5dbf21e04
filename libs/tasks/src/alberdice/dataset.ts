import { UserError } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";

/** One step of the data: what all agents did in a state, the common reward, and where it led. */
export interface Transition {
  readonly state: number;
  /** One action an agent. */
  readonly actions: readonly number[];
  readonly reward: number;
  readonly next: number;
}

/** The size of a game: states 0 … states - 1, and how many actions each agent has. */
export interface GameShape {
  readonly states: number;
  readonly actions: readonly number[];
}

export interface Successor {
  /** Index into `Dataset.visited`. */
  readonly row: number;
  readonly probability: number;
}

/**
 * The empirical model of a data set: visited states as rows, joint actions as columns, the first agent's action in the
 * outer loop. Entry (row, joint) of a table lies at `row * joints + joint`.
 */
export interface Dataset {
  readonly shape: GameShape;
  /** Number of joint actions. */
  readonly joints: number;
  /** The states that occur as a source, ascending. */
  readonly visited: readonly number[];
  /** By row: the share of transitions from that state, dᴰ(s). */
  readonly visits: Float64Array;
  /** By row and joint action: the share of transitions, dᴰ(s, a). */
  readonly shares: Float64Array;
  /** By row and joint action: dᴰ(s, a), smoothed. Sums to 1. */
  readonly mass: Float64Array;
  /** By row and joint action: mean reward. */
  readonly reward: Float64Array;
  /** By row and joint action: where it leads. */
  readonly successors: readonly (readonly Successor[])[];
  /** Transitions that it was made from. */
  readonly transitions: number;
}

/**
 * Counts transitions. A joint action that was never seen in a visited state gets
 * the smallest reward of the data and stays where it is; smoothing gives it the mass dᴰ(s)·eps/|A|, one and the same for
 * all agents, so that every conditional comes from one joint distribution.
 * @param eps share of every visited state's mass that is spread over all joint actions, in (0, 1]
 * @throws UserError if a transition does not fit the shape, or none is left after `close`
 */
export function countTransitions(
  transitions: readonly Transition[],
  shape: GameShape,
  eps: number,
): Dataset {
  if (!(eps > 0 && eps <= 1)) throw new UserError(`eps: expected a number in (0, 1], got ${eps}`);
  transitions.forEach((transition, k) => {
    checkTransition(transition, k, shape);
  });
  const kept = close(transitions);
  if (kept.length === 0) {
    throw new UserError(
      `none of ${transitions.length} transitions leads to a state with data of its own; add longer episodes`,
    );
  }
  const joints = jointCount(shape);
  const visited = [...new Set(kept.map(({ state }) => state))].sort((a, b) => a - b);
  const rowOf = new Map(visited.map((state, row) => [state, row]));

  const cells = visited.length * joints;
  const counts = new Float64Array(cells);
  const rewards = new Float64Array(cells);
  const nexts = Array.from({ length: cells }, () => new Map<number, number>());
  for (const { state, actions, reward, next } of kept) {
    const cell = (rowOf.get(state) ?? NaN) * joints + jointIndex(actions, shape);
    counts[cell] = item(counts, cell) + 1;
    rewards[cell] = item(rewards, cell) + reward;
    const row = rowOf.get(next) ?? NaN;
    nexts[cell]?.set(row, (nexts[cell].get(row) ?? 0) + 1);
  }

  const shares = counts.map((count) => count / kept.length);
  const visits = Float64Array.from(visited, (_, row) =>
    sum(shares.subarray(row * joints, (row + 1) * joints)),
  );
  const smallest = kept.reduce((least, { reward }) => Math.min(least, reward), Infinity);
  return {
    ...{ shape, joints, visited, visits, shares, transitions: kept.length },
    mass: shares.map(
      (share, cell) => (1 - eps) * share + (eps / joints) * item(visits, Math.floor(cell / joints)),
    ),
    reward: rewards.map((total, cell) => {
      const count = item(counts, cell);
      return count === 0 ? smallest : total / count;
    }),
    successors: nexts.map((next, cell): Successor[] =>
      next.size === 0
        ? [{ row: Math.floor(cell / joints), probability: 1 }]
        : [...next].map(([row, count]) => ({ row, probability: count / item(counts, cell) })),
    ),
  };
}

/**
 * Drops transitions into states without data until none is left: probability would leak out of the flow constraint, and
 * the dual would have no minimum.
 */
export function close(transitions: readonly Transition[]): readonly Transition[] {
  const sources = new Set(transitions.map(({ state }) => state));
  const kept = transitions.filter(({ next }) => sources.has(next));
  return kept.length === transitions.length ? kept : close(kept);
}

/** How many joint actions there are. */
export function jointCount({ actions }: GameShape): number {
  return actions.reduce((product, count) => product * count, 1);
}

/** The index of a joint action. */
export function jointIndex(actions: readonly number[], { actions: counts }: GameShape): number {
  return counts.reduce((index, count, i) => index * count + item(actions, i), 0);
}

/** What one agent does in a joint action: the inverse of `jointIndex`. */
export function actionOf(joint: number, agent: number, { actions }: GameShape): number {
  const stride = actions.slice(agent + 1).reduce((product, count) => product * count, 1);
  return Math.floor(joint / stride) % item(actions, agent);
}

/** The game of all agents but one, in their order: its joint actions are what the others do. */
export function withoutAgent({ states, actions }: GameShape, agent: number): GameShape {
  return { states, actions: actions.filter((_, i) => i !== agent) };
}

/** What all agents but one do in a joint action, as an index of `withoutAgent`. */
export function othersIndex(
  actions: readonly number[],
  agent: number,
  { actions: counts }: GameShape,
): number {
  return counts.reduce(
    (index, count, i) => (i === agent ? index : index * count + item(actions, i)),
    0,
  );
}

function checkTransition(
  { state, actions, reward, next }: Transition,
  k: number,
  shape: GameShape,
): void {
  const refuse = (what: string, got: unknown, expected: string) => {
    throw new UserError(`transition ${k}: ${what} ${String(got)}, expected ${expected}`);
  };
  const isIndex = (value: number, count: number) =>
    Number.isInteger(value) && value >= 0 && value < count;
  if (!isIndex(state, shape.states)) refuse("state", state, `0 to ${shape.states - 1}`);
  if (!isIndex(next, shape.states)) refuse("next state", next, `0 to ${shape.states - 1}`);
  if (!Number.isFinite(reward)) refuse("reward", reward, "a finite number");
  if (actions.length !== shape.actions.length) {
    refuse("actions of", `${actions.length} agents`, `${shape.actions.length}`);
  }
  shape.actions.forEach((count, i) => {
    const action = item(actions, i);
    if (!isIndex(action, count)) refuse(`action of agent ${i}`, action, `0 to ${count - 1}`);
  });
}
