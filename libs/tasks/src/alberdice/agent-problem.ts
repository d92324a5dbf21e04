import { item, at, atInt } from "@fedclair/linalg";
import { actionOf, type Dataset } from "./dataset.js";
import type { Policy } from "./policy.js";

/**
 * What one agent faces while the others' policies stay: an ordinary one-agent problem over visited states (rows) and its
 * own actions. Entry (row, action) of a table lies at `row * actions + action`.
 */
export interface AgentProblem {
  readonly rows: number;
  readonly actions: number;
  /** By row: the initial distribution p₀, here the data's state distribution, so that every visited state keeps weight. */
  readonly initial: Float64Array;
  /** By row and action: d_iᴰ(s, a_i). */
  readonly mass: Float64Array;
  /** By row and action: mean reward over what the others do. */
  readonly reward: Float64Array;
  /** By row and action: k_i ≥ 0, how far the others' policies lie from what they did in the data beside that action. */
  readonly penalty: Float64Array;
  /** Transition probabilities, sparse: those of cell c are entries `start[c]` … `start[c + 1]` - 1. */
  readonly start: Int32Array;
  /** Row that an entry leads to. */
  readonly to: Int32Array;
  readonly probability: Float64Array;
}

/**
 * The problem of AlberDICE's step (docs/tasks/alberdice.md): the others act by their policies, and the KL divergence of
 * their joint action from the data, given the agent's own, is charged to the agent.
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

/** Independent learning: the others are part of the environment, as they acted in the data; no penalty. */
export function independentProblem(data: Dataset, agent: number): AgentProblem {
  return fold(data, {
    actions: item(data.shape.actions, agent),
    own: (joint) => actionOf(joint, agent, data.shape),
    share: (_row, _joint, conditional) => conditional,
    penalised: false,
  });
}

/** All agents as one, for OptiDICE: its actions are the joint ones. */
export function jointProblem(data: Dataset): AgentProblem {
  return fold(data, {
    actions: data.joints,
    own: (joint) => joint,
    share: () => 1,
    penalised: false,
  });
}

interface Folding {
  /** Number of own actions. */
  readonly actions: number;
  /** The own action within a joint one. */
  readonly own: (joint: number) => number;
  /** Probability of the others' part of a joint action; `conditional` is that in the data, given the own action. */
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
      // Two logarithms: the quotient of a weight near the smallest number would underflow.
      penalty[cell] = at(penalty, cell) + weight * (Math.log(weight) - Math.log(conditional));
    }
    const into = flow[cell];
    for (const { row: next, probability } of data.successors[k] ?? []) {
      into?.set(next, (into.get(next) ?? 0) + weight * probability);
    }
  }
  return {
    ...{ rows: visited.length, actions, initial: visits, mass, reward, penalty },
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
