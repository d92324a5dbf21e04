import { item, at, atInt, sum } from "@fedclair/linalg";
import { actionOf, type Dataset } from "./dataset.js";
import type { Policy } from "./policy.js";

/**
 * The problem of one agent while the others' policies are fixed: an ordinary one-agent problem over
 * visited states (rows) and the agent's own actions. Entry (row, action) of a table is stored at
 * `row * actions + action`.
 */
export interface AgentProblem {
  readonly rows: number;
  readonly actions: number;
  /**
   * The initial distribution p₀ by row. It is the data's state distribution, so that every visited
   * state has weight.
   */
  readonly initial: Float64Array;
  /** d_iᴰ(s, a_i) by row and action. */
  readonly mass: Float64Array;
  /** Reward by row and action, averaged over the others' actions. */
  readonly reward: Float64Array;
  /**
   * k_i ≥ 0 by row and action: the KL divergence of the others' policies from their actions in the
   * data, given this action.
   */
  readonly penalty: Float64Array;
  /** Sparse transition probabilities: cell c has the entries `start[c]` … `start[c + 1]` - 1. */
  readonly start: Int32Array;
  /** The row that each entry leads to. */
  readonly to: Int32Array;
  readonly probability: Float64Array;
}

/**
 * Builds the problem of one AlberDICE step (README.md). The others act by their
 * policies, and the agent pays the KL divergence of their joint action from the data, given its own
 * action.
 *
 * Joint actions that a state lacks in the data share one mass, reward and successor, so sums over
 * them follow from those over all and over the recorded ones. The work grows with the data and with
 * the actions of single agents, not with their product.
 */
export function agentProblem(
  data: Dataset,
  agent: number,
  policies: readonly Policy[],
): AgentProblem {
  const { shape, joints, visited, recorded, smallest, unrecorded } = data;
  const actions = item(shape.actions, agent);
  const cells = visited.length * actions;
  const others = shape.actions.map((_, j) => j).filter((j) => j !== agent);
  const mass = marginalMass(data, agent);
  const reward = new Float64Array(cells);
  const penalty = new Float64Array(cells);
  const flow = Array.from({ length: cells }, () => new Map<number, number>());
  for (const [row, ofState] of recorded.entries()) {
    const state = item(visited, row);
    const all = others.reduce(
      (total, j) => total + sum(item(item(policies, j), state).map(entropyTerm)),
      0,
    );
    for (let own = 0; own < actions; own++) {
      const cell = row * actions + own;
      const known = ofState.filter(({ joint }) => actionOf(joint, agent, shape) === own);
      const single = item(unrecorded, row);
      // The probability of all joint actions of the others that the data lack, and their Σ p ln p.
      let rest = 1;
      let terms = all;
      const into = item(flow, cell);
      for (const action of known) {
        const weight = others.reduce((product, j) => {
          return product * at(item(item(policies, j), state), actionOf(action.joint, j, shape));
        }, 1);
        if (weight === 0) continue; // 0·ln 0 = 0
        rest -= weight;
        terms -= entropyTerm(weight);
        reward[cell] = at(reward, cell) + weight * action.reward;
        // Two logarithms, because the quotient of a very small weight would underflow.
        const cost = Math.log(weight) - Math.log(action.mass / at(mass, cell));
        penalty[cell] = at(penalty, cell) + weight * cost;
        for (const { row: next, probability } of action.successors) {
          into.set(next, (into.get(next) ?? 0) + weight * probability);
        }
      }
      if (known.length === joints / actions) continue;
      rest = Math.max(0, rest);
      reward[cell] = at(reward, cell) + rest * smallest;
      penalty[cell] = at(penalty, cell) + terms - rest * Math.log(single / at(mass, cell));
      into.set(row, (into.get(row) ?? 0) + rest);
    }
  }
  return toProblem(data, actions, { mass, reward, penalty }, flow);
}

/** Computes an agent's dᴰ(s, a_i) after smoothing, by row and own action. */
export function marginalMass(data: Dataset, agent: number): Float64Array {
  const { shape, joints, recorded, unrecorded } = data;
  const actions = item(shape.actions, agent);
  const mass = new Float64Array(recorded.length * actions);
  const known = new Float64Array(mass.length);
  for (const [row, ofState] of recorded.entries()) {
    for (const { joint, mass: own } of ofState) {
      const cell = row * actions + actionOf(joint, agent, shape);
      mass[cell] = at(mass, cell) + own;
      known[cell] = at(known, cell) + 1;
    }
  }
  return mass.map((own, cell) => {
    const single = item(unrecorded, Math.floor(cell / actions));
    return own + (joints / actions - at(known, cell)) * single;
  });
}

/** Returns p ln p, which is 0 at 0. */
function entropyTerm(p: number): number {
  return p === 0 ? 0 : p * Math.log(p);
}

/**
 * Builds the problem of independent learning. The others are part of the environment and act as in
 * the data; there is no penalty.
 */
export function independentProblem(data: Dataset, agent: number): AgentProblem {
  return fold(data, {
    actions: item(data.shape.actions, agent),
    own: (joint) => actionOf(joint, agent, data.shape),
    share: (conditional) => conditional,
  });
}

/** Builds the problem of all agents as one, for OptiDICE. Its actions are the joint actions. */
export function jointProblem(data: Dataset): AgentProblem {
  return fold(data, {
    actions: data.joints,
    own: (joint) => joint,
    share: () => 1,
  });
}

interface Folding {
  /** Number of the agent's own actions. */
  readonly actions: number;
  /** Returns the agent's own action within a joint action. */
  readonly own: (joint: number) => number;
  /**
   * Returns the probability of the others' part of a joint action. `conditional` is this
   * probability in the data, given the agent's own action.
   */
  readonly share: (conditional: number) => number;
}

function fold(data: Dataset, { actions, own, share }: Folding): AgentProblem {
  const { joints, visited } = data;
  const cells = visited.length * actions;
  const ownOf = Int32Array.from({ length: joints }, (_, joint) => own(joint));
  const mass = new Float64Array(cells);
  for (let k = 0; k < data.mass.length; k++) {
    const cell = Math.floor(k / joints) * actions + atInt(ownOf, k % joints);
    mass[cell] = at(mass, cell) + at(data.mass, k);
  }

  const reward = new Float64Array(cells);
  const flow = Array.from({ length: cells }, () => new Map<number, number>());
  for (let k = 0; k < data.mass.length; k++) {
    const row = Math.floor(k / joints);
    const joint = k % joints;
    const cell = row * actions + atInt(ownOf, joint);
    const weight = share(at(data.mass, k) / at(mass, cell));
    reward[cell] = at(reward, cell) + weight * at(data.reward, k);
    const into = flow[cell];
    for (const { row: next, probability } of data.successors[k] ?? []) {
      into?.set(next, (into.get(next) ?? 0) + weight * probability);
    }
  }
  return toProblem(data, actions, { mass, reward, penalty: new Float64Array(cells) }, flow);
}

/** @param flow probability of each next row, by cell */
function toProblem(
  { visited, visits }: Dataset,
  actions: number,
  tables: Pick<AgentProblem, "mass" | "reward" | "penalty">,
  flow: readonly ReadonlyMap<number, number>[],
): AgentProblem {
  const start = new Int32Array(flow.length + 1);
  flow.forEach(({ size }, cell) => {
    start[cell + 1] = atInt(start, cell) + size;
  });
  return {
    rows: visited.length,
    actions,
    initial: visits,
    ...tables,
    start,
    to: Int32Array.from(flow.flatMap((entries) => [...entries.keys()])),
    probability: Float64Array.from(flow.flatMap((entries) => [...entries.values()])),
  };
}
