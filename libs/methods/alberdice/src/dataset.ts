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

/** A joint action that the data have in a state. */
interface RecordedAction {
  readonly joint: number;
  /** dᴰ(s, a), the share of transitions. */
  readonly share: number;
  /** dᴰ(s, a) after smoothing. */
  readonly mass: number;
  /** Mean reward. */
  readonly reward: number;
  /** Possible next rows with their probabilities. */
  readonly successors: readonly Successor[];
}

/**
 * The empirical model of a data set: visited states as rows, joint actions as columns. The first
 * agent's action is the outer loop of a joint action. Entry (row, joint) of a table is stored at
 * `row * joints + joint`.
 */
export interface Dataset extends Tables {
  readonly shape: GameShape;
  /** Number of joint actions. */
  readonly joints: number;
  /** The states that occur as a source, in ascending order. */
  readonly visited: readonly number[];
  /** dᴰ(s), the share of transitions that start in each row's state. */
  readonly visits: Float64Array;
  /** Number of transitions that were counted. */
  readonly transitions: number;
  /** The joint actions that each row's state has in the data, in ascending order. */
  readonly recorded: readonly (readonly RecordedAction[])[];
  /** The smallest reward of the data, which all other joint actions get. */
  readonly smallest: number;
  /** The mass that each other joint action of a row has by smoothing. */
  readonly unrecorded: Float64Array;
}

/** Tables of all joint actions, which are built when one of them is read for the first time. */
interface Tables {
  /** dᴰ(s, a), the share of transitions by row and joint action. */
  readonly shares: Float64Array;
  /** dᴰ(s, a) after smoothing, by row and joint action; sums to 1. */
  readonly mass: Float64Array;
  /** Mean reward by row and joint action. */
  readonly reward: Float64Array;
  /** Possible next rows with their probabilities, by row and joint action. */
  readonly successors: readonly (readonly Successor[])[];
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

  const steps = visited.map(() => new Map<number, Transition[]>());
  for (const transition of usable) {
    const ofState = item(steps, rowOf.get(transition.state) ?? NaN);
    const joint = jointIndex(transition.actions, shape);
    const alike = ofState.get(joint);
    if (alike) alike.push(transition);
    else ofState.set(joint, [transition]);
  }
  const visits = Float64Array.from(steps, (ofState) =>
    sum([...ofState.values()].map(({ length }) => length / usable.length)),
  );
  const unrecorded = visits.map((share) => (eps / joints) * share);
  const recorded = steps.map((ofState, row) =>
    [...ofState]
      .sort(([a], [b]) => a - b)
      .map(([joint, alike]): RecordedAction => {
        const share = alike.length / usable.length;
        const nexts = new Map<number, number>();
        for (const { next } of alike) {
          const to = rowOf.get(next) ?? NaN;
          nexts.set(to, (nexts.get(to) ?? 0) + 1);
        }
        return {
          joint,
          share,
          mass: (1 - eps) * share + item(unrecorded, row),
          reward: sum(alike.map(({ reward }) => reward)) / alike.length,
          successors: [...nexts].map(([to, n]) => ({ row: to, probability: n / alike.length })),
        };
      }),
  );
  const smallest = usable.reduce((least, { reward }) => Math.min(least, reward), Infinity);
  const model = { shape, joints, visited, visits, transitions: usable.length };
  return withTables({ ...model, recorded, smallest, unrecorded });
}

/** Adds the tables of all joint actions, which are built when one is read. */
function withTables(model: Omit<Dataset, keyof Tables>): Dataset {
  let built: Tables | undefined;
  const tables = () => (built ??= buildTables(model));
  return {
    ...model,
    get shares() {
      return tables().shares;
    },
    get mass() {
      return tables().mass;
    },
    get reward() {
      return tables().reward;
    },
    get successors() {
      return tables().successors;
    },
  };
}

function buildTables({ joints, recorded, smallest, unrecorded }: Omit<Dataset, keyof Tables>) {
  const cells = recorded.length * joints;
  const rowOf = (cell: number) => Math.floor(cell / joints);
  const shares = new Float64Array(cells);
  const mass = Float64Array.from({ length: cells }, (_, cell) => item(unrecorded, rowOf(cell)));
  const reward = new Float64Array(cells).fill(smallest);
  const successors = Array.from({ length: cells }, (_, cell): readonly Successor[] => [
    { row: rowOf(cell), probability: 1 },
  ]);
  for (const [row, actions] of recorded.entries()) {
    for (const action of actions) {
      const cell = row * joints + action.joint;
      shares[cell] = action.share;
      mass[cell] = action.mass;
      reward[cell] = action.reward;
      successors[cell] = action.successors;
    }
  }
  return { shares, mass, reward, successors };
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
