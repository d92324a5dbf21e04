import { item, at, atInt } from "@fedclair/linalg";
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
 */
export function agentProblem(
  data: Dataset,
  agent: number,
  policies: readonly Policy[],
): AgentProblem {
  const { shape, visited } = data;
  const othersShare = (row: number, joint: number) => {
    const state = item(visited, row);
    return policies.reduce(
      (product, policy, j) =>
        j === agent ? product : product * at(item(policy, state), actionOf(joint, j, shape)),
      1,
    );
  };
  return fold(data, {
    actions: item(shape.actions, agent),
    own: (joint) => actionOf(joint, agent, shape),
    share: othersShare,
    penalised: true,
  });
}

/**
 * Builds the problem of independent learning. The others are part of the environment and act as in
 * the data; there is no penalty.
 */
export function independentProblem(data: Dataset, agent: number): AgentProblem {
  return fold(data, {
    actions: item(data.shape.actions, agent),
    own: (joint) => actionOf(joint, agent, data.shape),
    share: (_row, _joint, conditional) => conditional,
    penalised: false,
  });
}

/** Builds the problem of all agents as one, for OptiDICE. Its actions are the joint actions. */
export function jointProblem(data: Dataset): AgentProblem {
  return fold(data, {
    actions: data.joints,
    own: (joint) => joint,
    share: () => 1,
    penalised: false,
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
  readonly share: (row: number, joint: number, conditional: number) => number;
  readonly penalised: boolean;
}

function fold(data: Dataset, { actions, own, share, penalised }: Folding): AgentProblem {
  const { joints, visited, visits } = data;
  const cells = visited.length * actions;
  const ownOf = Int32Array.from({ length: joints }, (_, joint) => own(joint));
  const mass = new Float64Array(cells);
  for (let k = 0; k < data.mass.length; k++) {
    const cell = Math.floor(k / joints) * actions + atInt(ownOf, k % joints);
    mass[cell] = at(mass, cell) + at(data.mass, k);
  }

  const reward = new Float64Array(cells);
  const penalty = new Float64Array(cells);
  const flow = Array.from({ length: cells }, () => new Map<number, number>());
  for (let k = 0; k < data.mass.length; k++) {
    const row = Math.floor(k / joints);
    const joint = k % joints;
    const cell = row * actions + atInt(ownOf, joint);
    const conditional = at(data.mass, k) / at(mass, cell);
    const weight = share(row, joint, conditional);
    if (weight === 0) continue; // 0·ln 0 = 0
    reward[cell] = at(reward, cell) + weight * at(data.reward, k);
    if (penalised) {
      // Two logarithms, because the quotient of a very small weight would underflow.
      penalty[cell] = at(penalty, cell) + weight * (Math.log(weight) - Math.log(conditional));
    }
    const into = flow[cell];
    for (const { row: next, probability } of data.successors[k] ?? []) {
      into?.set(next, (into.get(next) ?? 0) + weight * probability);
    }
  }
  return {
    rows: visited.length,
    actions,
    initial: visits,
    mass,
    reward,
    penalty,
    ...sparse(flow),
  };
}

function sparse(
  flow: readonly ReadonlyMap<number, number>[],
): Pick<AgentProblem, "start" | "to" | "probability"> {
  const start = new Int32Array(flow.length + 1);
  flow.forEach(({ size }, cell) => {
    start[cell + 1] = atInt(start, cell) + size;
  });
  return {
    start,
    to: Int32Array.from(flow.flatMap((entries) => [...entries.keys()])),
    probability: Float64Array.from(flow.flatMap((entries) => [...entries.values()])),
  };
}
