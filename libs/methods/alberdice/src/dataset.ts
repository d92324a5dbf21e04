import { UserError } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";

/** One step of the data: the state, the joint action, the common reward and the next state. */
export interface Transition {
  readonly state: number;
  /** One action per agent. */
  readonly actions: readonly number[];
  readonly reward: number;
  readonly next: number;
}

/** The size of a game: states 0 … states - 1, and the number of actions of each agent. */
export interface GameShape {
  readonly states: number;
  readonly actions: readonly number[];
}

interface Successor {
  /** Index into `Dataset.visited`. */
  readonly row: number;
  readonly probability: number;
}

/**
 * The empirical model of a data set: visited states as rows, joint actions as columns. The first
 * agent's action is the outer loop of a joint action. Entry (row, joint) of a table is stored at
 * `row * joints + joint`.
 */
export interface Dataset {
  readonly shape: GameShape;
  /** Number of joint actions. */
  readonly joints: number;
  /** The states that occur as a source, in ascending order. */
  readonly visited: readonly number[];
  /** dᴰ(s), the share of transitions that start in each row's state. */
  readonly visits: Float64Array;
  /** dᴰ(s, a), the share of transitions by row and joint action. */
  readonly shares: Float64Array;
  /** dᴰ(s, a) after smoothing, by row and joint action; sums to 1. */
  readonly mass: Float64Array;
  /** Mean reward by row and joint action. */
  readonly reward: Float64Array;
  /** Possible next rows with their probabilities, by row and joint action. */
  readonly successors: readonly (readonly Successor[])[];
  /** Number of transitions that were counted. */
  readonly transitions: number;
}

/**
 * Counts transitions into an empirical model. A joint action that does not occur in a visited state
 * gets the smallest reward of the data and leads back to the same state. Smoothing gives it the
 * mass dᴰ(s)·eps/|A|. The smoothing is the same for all agents, so every conditional comes from one
 * joint distribution.
 * @param eps share of every visited state's mass that is spread over all joint actions, in (0, 1]
 * @throws UserError if a transition does not fit the shape, or none is left after `dropDeadEnds`
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
  const usable = dropDeadEnds(transitions);
  if (usable.length === 0) {
    throw new UserError(
      `none of ${transitions.length} transitions leads to a state with data of its own; add longer episodes`,
    );
  }
  const joints = jointCount(shape);
  const visited = [...new Set(usable.map(({ state }) => state))].sort((a, b) => a - b);
  const rowOf = new Map(visited.map((state, row) => [state, row]));

  const cells = visited.length * joints;
  const counts = new Float64Array(cells);
  const rewards = new Float64Array(cells);
  const nexts = Array.from({ length: cells }, () => new Map<number, number>());
  for (const { state, actions, reward, next } of usable) {
    const cell = (rowOf.get(state) ?? NaN) * joints + jointIndex(actions, shape);
    counts[cell] = item(counts, cell) + 1;
    rewards[cell] = item(rewards, cell) + reward;
    const row = rowOf.get(next) ?? NaN;
    nexts[cell]?.set(row, (nexts[cell].get(row) ?? 0) + 1);
  }

  const shares = counts.map((count) => count / usable.length);
  const visits = Float64Array.from(visited, (_, row) =>
    sum(shares.subarray(row * joints, (row + 1) * joints)),
  );
  const smallest = usable.reduce((least, { reward }) => Math.min(least, reward), Infinity);
  return {
    shape,
    joints,
    visited,
    visits,
    shares,
    transitions: usable.length,
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
 * Drops transitions into states without data, repeatedly, until all remaining ones lead to a state
 * with data. Otherwise probability would leak out of the flow constraint, and the dual would have
 * no minimum.
 */
export function dropDeadEnds(transitions: readonly Transition[]): readonly Transition[] {
  const sources = new Set(transitions.map(({ state }) => state));
  const usable = transitions.filter(({ next }) => sources.has(next));
  return usable.length === transitions.length ? usable : dropDeadEnds(usable);
}

/** Counts the joint actions. */
export function jointCount({ actions }: GameShape): number {
  return actions.reduce((product, count) => product * count, 1);
}

/** Returns the index of a joint action. */
export function jointIndex(actions: readonly number[], { actions: counts }: GameShape): number {
  return counts.reduce((index, count, i) => index * count + item(actions, i), 0);
}

/** Returns one agent's action within a joint action; the inverse of `jointIndex`. */
export function actionOf(joint: number, agent: number, { actions }: GameShape): number {
  const stride = actions.slice(agent + 1).reduce((product, count) => product * count, 1);
  return Math.floor(joint / stride) % item(actions, agent);
}

/**
 * Returns the game of all agents except one, in their order. Its joint actions are those of the
 * other agents.
 */
export function withoutAgent({ states, actions }: GameShape, agent: number): GameShape {
  return { states, actions: actions.filter((_, i) => i !== agent) };
}

/**
 * Returns the joint action of all agents except one, as an index into the game of `withoutAgent`.
 */
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
  const fail = (what: string, got: unknown, expected: string) => {
    throw new UserError(`transition ${k}: ${what} ${String(got)}, expected ${expected}`);
  };
  const isIndex = (value: number, count: number) =>
    Number.isInteger(value) && value >= 0 && value < count;
  if (!isIndex(state, shape.states)) fail("state", state, `0 to ${shape.states - 1}`);
  if (!isIndex(next, shape.states)) fail("next state", next, `0 to ${shape.states - 1}`);
  if (!Number.isFinite(reward)) fail("reward", reward, "a finite number");
  if (actions.length !== shape.actions.length) {
    fail("actions of", `${actions.length} agents`, `${shape.actions.length}`);
  }
  shape.actions.forEach((count, i) => {
    const action = item(actions, i);
    if (!isIndex(action, count)) fail(`action of agent ${i}`, action, `0 to ${count - 1}`);
  });
}
