import { item } from "@fedclair/linalg";
import {
  bridgeAbsorbing,
  bridgeActions,
  bridgePositions,
  bridgeShape,
  bridgeStart,
  bridgeState,
  bridgeStep,
} from "./bridge.js";
import { jointProbabilities, type Policy } from "./policy.js";

export interface BridgeEvaluation {
  /** Expected undiscounted return of an episode. */
  readonly ret: number;
  /** Probability that both come home within the limit. */
  readonly success: number;
  /** How much the better of the two agents could gain in return by changing its policy alone. */
  readonly exploitability: number;
}

interface Outcome {
  readonly next: number;
  readonly reward: number;
  readonly over: boolean;
}

/** By state and joint action. */
let known: readonly (readonly Outcome[])[] | undefined;

function outcomes(): readonly (readonly Outcome[])[] {
  // Not on import: who loads the task need not play it.
  known ??= Array.from({ length: bridgeAbsorbing }, (_, state) =>
    Array.from({ length: bridgeActions ** 2 }, (_, joint) => {
      const actions = [Math.floor(joint / bridgeActions), joint % bridgeActions] as const;
      const { next, reward, over } = bridgeStep(bridgePositions(state), actions);
      return { next: bridgeState(next), reward, over };
    }),
  );
  return known;
}

/** What each joint action of a state is worth now, given what states are worth in the next step. */
type Choose = (state: number, values: readonly number[]) => number;

/**
 * Exact by dynamic programming over all states and steps. @param policies of the two agents, by state
 * @param limit steps of an episode; at the last one all count as done, so it pays nothing
 */
export function evaluateBridge(policies: readonly Policy[], limit: number): BridgeEvaluation {
  const play = Array.from({ length: bridgeAbsorbing }, (_, state) =>
    jointProbabilities(policies, state, bridgeShape),
  );
  const mean: Choose = (state, values) =>
    values.reduce((total, value, joint) => total + value * item(item(play, state), joint), 0);
  const ret = solveBackwards(limit, mean);
  const exploited = [0, 1].map((agent) => solveBackwards(limit, bestOf(agent, policies)));
  return {
    ret,
    success: successProbability(limit, mean),
    exploitability: Math.max(...exploited) - ret,
  };
}

/** The largest return that any joint policy reaches. */
export function bestBridgeReturn(limit: number): number {
  return solveBackwards(limit, (_state, values) => Math.max(...values));
}

/** One agent chooses what is best while the other keeps its policy. */
function bestOf(agent: number, policies: readonly Policy[]): Choose {
  const other = policies[1 - agent];
  return (state, values) => {
    const worth = new Float64Array(bridgeActions);
    values.forEach((value, joint) => {
      const actions = [Math.floor(joint / bridgeActions), joint % bridgeActions];
      const own = item(actions, agent);
      worth[own] = item(worth, own) + value * (other?.[state]?.[item(actions, 1 - agent)] ?? NaN);
    });
    return Math.max(...worth);
  };
}

function solveBackwards(limit: number, choose: Choose): number {
  let values = new Float64Array(bridgeAbsorbing);
  for (let left = 1; left <= limit; left++) {
    values = Float64Array.from(outcomes(), (row, state) =>
      choose(
        state,
        row.map(({ next, reward, over }) =>
          left === 1 ? 0 : reward + (over ? 0 : item(values, next)),
        ),
      ),
    );
  }
  return item(values, bridgeState(bridgeStart));
}

function successProbability(limit: number, mean: Choose): number {
  let values = new Float64Array(bridgeAbsorbing);
  for (let left = 1; left <= limit; left++) {
    values = Float64Array.from(outcomes(), (row, state) =>
      mean(
        state,
        row.map(({ next, over }) => (over ? 1 : item(values, next))),
      ),
    );
  }
  return item(values, bridgeState(bridgeStart));
}
