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

interface BridgeEvaluation {
  /** Expected undiscounted return of an episode. */
  readonly ret: number;
  /** Probability that both agents reach their goals within the limit. */
  readonly success: number;
  /** The larger of the two agents' gains in return by changing only its own policy. */
  readonly exploitability: number;
}

interface Outcome {
  readonly next: number;
  readonly reward: number;
  readonly over: boolean;
}

/** Outcomes by state and joint action. */
let outcomeTable: readonly (readonly Outcome[])[] | undefined;

function getOutcomes(): readonly (readonly Outcome[])[] {
  // Computed lazily, because loading the task does not mean playing it.
  outcomeTable ??= Array.from({ length: bridgeAbsorbing }, (_, state) =>
    Array.from({ length: bridgeActions ** 2 }, (_, joint) => {
      const actions = [Math.floor(joint / bridgeActions), joint % bridgeActions] as const;
      const { next, reward, over } = bridgeStep(bridgePositions(state), actions);
      return { next: bridgeState(next), reward, over };
    }),
  );
  return outcomeTable;
}

/** Returns the value of a state at this step, given the value of each of its joint actions. */
type Choose = (state: number, values: readonly number[]) => number;

/**
 * Evaluates policies exactly, by dynamic programming over all states and steps.
 * @param policies of the two agents, by state
 * @param limit steps per episode; the episode counts as finished at the last one, which pays
 * nothing
 */
export function evaluateBridge(policies: readonly Policy[], limit: number): BridgeEvaluation {
  const play = Array.from({ length: bridgeAbsorbing }, (_, state) =>
    jointProbabilities(policies, state, bridgeShape),
  );
  const mean: Choose = (state, values) =>
    values.reduce((total, value, joint) => total + value * item(item(play, state), joint), 0);
  const ret = solveBackwards(limit, mean);
  const bestReturns = [0, 1].map((agent) => solveBackwards(limit, chooseBest(agent, policies)));
  return {
    ret,
    success: successProbability(limit, mean),
    exploitability: Math.max(...bestReturns) - ret,
  };
}

/** Computes the largest return of any joint policy. */
export function bestBridgeReturn(limit: number): number {
  return solveBackwards(limit, (_state, values) => Math.max(...values));
}

/** Creates the choice in which one agent plays its best action while the other keeps its policy. */
function chooseBest(agent: number, policies: readonly Policy[]): Choose {
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
    values = Float64Array.from(getOutcomes(), (row, state) =>
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
    values = Float64Array.from(getOutcomes(), (row, state) =>
      mean(
        state,
        row.map(({ next, over }) => (over ? 1 : item(values, next))),
      ),
    );
  }
  return item(values, bridgeState(bridgeStart));
}
