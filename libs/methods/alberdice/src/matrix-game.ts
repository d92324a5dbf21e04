import { item } from "@fedclair/linalg";
import { actionOf, jointIndex, type GameShape, type Transition } from "./dataset.js";
import { jointProbabilities, othersProbabilities, type Policy } from "./policy.js";

/**
 * The payoff of each joint action in a game with one state, as nested lists with one level per
 * agent and the first agent's actions in the outermost list. For two agents, there is one row per
 * action of agent 0 and one column per action of agent 1.
 */
export type Payoff = readonly (number | Payoff)[];

/** The reason why nested lists are not a payoff of two or more agents, and its position. */
interface PayoffFault {
  readonly path: readonly number[];
  readonly message: string;
}

/**
 * Checks that all lists of a level have the same length and that the innermost ones hold numbers.
 * @returns undefined for a valid payoff
 */
export function payoffFault(nested: readonly unknown[]): PayoffFault | undefined {
  const counts: number[] = [];
  for (let list: unknown = nested; Array.isArray(list); list = list[0]) counts.push(list.length);
  if (counts.length < 2) {
    return { path: [], message: "expected nested lists, a level an agent, of two agents or more" };
  }
  const faultIn = (node: unknown, path: readonly number[]): PayoffFault | undefined => {
    const length = counts[path.length];
    if (length === undefined) {
      if (typeof node === "number" && Number.isFinite(node)) return undefined;
      return { path, message: `expected a number, got ${JSON.stringify(node)}` };
    }
    const first = path.map(() => 0).join(", ");
    if (!Array.isArray(node)) {
      return { path, message: `expected ${length} entries, as in row ${first}, got no list` };
    }
    if (node.length !== length) {
      const message = `expected ${length} entries, as in row ${first}, got ${node.length}`;
      return { path, message };
    }
    for (const [k, entry] of node.entries()) {
      const fault = faultIn(entry, [...path, k]);
      if (fault) return fault;
    }
    return undefined;
  };
  const empty = counts.indexOf(0);
  if (empty < 0) return faultIn(nested, []);
  return { path: counts.slice(0, empty).map(() => 0), message: "expected at least one action" };
}

/**
 * The payoff of XOR, from the official code, for actions A and B. The two agents must choose
 * different actions; both choosing B costs most.
 */
export const xorPayoff = [
  [0, 1],
  [1, -2],
] as const satisfies Payoff;

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
  const actions: number[] = [];
  for (let list: number | Payoff | undefined = payoff; typeof list === "object"; list = list[0]) {
    actions.push(list.length);
  }
  return { states: 1, actions };
}

/** Lists the rewards of all joint actions, in the order of `jointIndex`. */
function matrixRewards(payoff: Payoff): readonly number[] {
  return payoff.flatMap((entry) => (typeof entry === "number" ? entry : matrixRewards(entry)));
}

/** Returns the reward of one joint action. */
export function matrixReward(payoff: Payoff, actions: readonly number[]): number {
  return item(matrixRewards(payoff), jointIndex(actions, matrixShape(payoff)));
}

/** Creates `count` transitions of the same joint action. */
export function repeatJointAction(
  payoff: Payoff,
  actions: readonly number[],
  count: number,
): Transition[] {
  const reward = matrixReward(payoff, actions);
  return Array.from({ length: count }, () => ({ state: 0, actions, reward, next: 0 }));
}

/** Computes the expected reward of one step. */
export function matrixValue(payoff: Payoff, policies: readonly Policy[]): number {
  const joint = jointProbabilities(policies, 0, matrixShape(payoff));
  return matrixRewards(payoff).reduce((total, reward, k) => total + reward * item(joint, k), 0);
}

export function bestMatrixValue(payoff: Payoff): number {
  return matrixRewards(payoff).reduce((most, reward) => Math.max(most, reward), -Infinity);
}

/** Computes the largest gain that one agent can reach by changing only its own policy. */
export function matrixNashGap(payoff: Payoff, policies: readonly Policy[]): number {
  const shape = matrixShape(payoff);
  const rewards = matrixRewards(payoff);
  const best = shape.actions.map((count, agent) => {
    const others = othersProbabilities(policies, agent, 0, shape);
    const worth = new Float64Array(count);
    rewards.forEach((reward, joint) => {
      const own = actionOf(joint, agent, shape);
      worth[own] = item(worth, own) + reward * item(others, joint);
    });
    return worth.reduce((most, x) => Math.max(most, x), -Infinity);
  });
  return Math.max(...best) - matrixValue(payoff, policies);
}

/**
 * Creates the game in which exactly one agent should play B: 1 if so, 0 if nobody does, and minus
 * the number of those who do if there are several. Its data are the n best joint actions.
 * @param agents n ≥ 2
 */
export function oneOf(agents: number): { readonly payoff: Payoff; readonly data: number[][] } {
  const reward = (players: number) => (players <= 1 ? players : -players);
  const build = (left: number, players: number): Payoff | number =>
    left === 0 ? reward(players) : [build(left - 1, players), build(left - 1, players + 1)];
  const data = Array.from({ length: agents }, (_, j) =>
    Array.from({ length: agents }, (_, i) => (i === j ? 1 : 0)),
  );
  return { payoff: build(agents, 0) as Payoff, data };
}

/**
 * Creates the penalty game of Claus and Boutilier (1998) for two agents: two joint actions pay 10,
 * a mismatch of them costs, and a safe one pays 2. Its data are all nine joint actions.
 * @param penalty cost of a mismatch, at least 0
 */
export function penaltyGame(penalty: number) {
  const payoff: Payoff = [
    [10, 0, -penalty],
    [0, 2, 0],
    [-penalty, 0, 10],
  ];
  const data = [0, 1, 2].flatMap((first) => [0, 1, 2].map((second) => [first, second]));
  return { payoff, data };
}
