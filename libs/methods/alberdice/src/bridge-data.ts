import { item } from "@fedclair/linalg";
import {
  bridgeAbsorbing,
  bridgeActions,
  bridgeDestinations,
  bridgeStart,
  bridgeState,
  bridgePositions,
  bridgeStep,
  isHome,
  type CellPair,
} from "./bridge.js";
import type { Transition } from "./dataset.js";

/** Maximum number of steps of an episode in the data. */
const dataLimit = 50;
/** Number of steps of each episode that clients learn from. */
const trainingSteps = 20;

export interface BridgeEpisode {
  readonly actions: readonly CellPair[];
  /** Positions before and after every action, so one more than there are actions. */
  readonly positions: readonly CellPair[];
  readonly rewards: readonly number[];
  /** Whether both agents reached their goals. */
  readonly goal: boolean;
}

/** A generator of uniform integers in 0 … bound - 1. */
interface Integers {
  int(bound: number): number;
}

/** All joint actions; the first agent's action is the outer loop. */
const jointActions: readonly CellPair[] = Array.from({ length: bridgeActions ** 2 }, (_, a) => [
  Math.floor(a / bridgeActions),
  a % bridgeActions,
]);

/**
 * Minimal remaining cost by state: the number of agents not yet home, summed over the remaining
 * steps.
 */
let costToGo: Float64Array | undefined;

export function bridgeCostToGo(positions: CellPair): number {
  costToGo ??= computeCostToGo(); // lazily, because loading the task does not mean playing it
  return item(costToGo, bridgeState(positions));
}

/**
 * Lists the joint actions on a shortest way home, in lexicographic order. As in the official data,
 * an agent at its goal may only use actions that would leave it in place.
 */
export function bridgeOptimalActions(positions: CellPair): readonly CellPair[] {
  const target = bridgeCostToGo(positions) - awayFromHome(positions);
  return jointActions.filter(
    (actions) =>
      ([0, 1] as const).every(
        (i) => !isHome(positions, i) || staysInPlace(positions[i], actions[i]),
      ) && bridgeCostToGo(bridgeStep(positions, actions).next) === target,
  );
}

/**
 * Plays episodes of uniformly random actions, then episodes of uniformly drawn optimal actions,
 * from one generator.
 */
export function bridgeEpisodes(random: number, optimal: number, rng: Integers): BridgeEpisode[] {
  const uniform = (): CellPair => [rng.int(bridgeActions), rng.int(bridgeActions)];
  const best = (positions: CellPair): CellPair => {
    const choices = bridgeOptimalActions(positions);
    return choices[rng.int(choices.length)] ?? [0, 0];
  };
  return [
    ...Array.from({ length: random }, () => playEpisode(uniform)),
    ...Array.from({ length: optimal }, () => playEpisode(best)),
  ];
}

function playEpisode(choose: (positions: CellPair) => CellPair): BridgeEpisode {
  const positions = [bridgeStart];
  const actions: CellPair[] = [];
  const rewards: number[] = [];
  let here = bridgeStart;
  let goal = false;
  while (!goal && actions.length < dataLimit) {
    const action = choose(here);
    const { next, reward, over } = bridgeStep(here, action);
    actions.push(action);
    // An episode counts as finished at the time limit, so its last step pays nothing.
    rewards.push(actions.length === dataLimit ? 0 : reward);
    positions.push(next);
    here = next;
    goal = over;
  }
  return { actions, positions, rewards, goal };
}

/**
 * Converts the first 20 steps of every episode into transitions. An episode that ended earlier
 * continues in the absorbing state and repeats its actions, so that all finished episodes have the
 * same weight.
 */
export function bridgeTransitions(episodes: readonly BridgeEpisode[]): Transition[] {
  return episodes.flatMap(({ actions, positions, rewards, goal }) => {
    const length = goal ? trainingSteps : Math.min(trainingSteps, actions.length);
    return Array.from({ length }, (_, k): Transition => {
      const stateAt = (step: number) => {
        const pair = positions[step];
        return pair === undefined ? bridgeAbsorbing : bridgeState(pair);
      };
      return {
        state: stateAt(k),
        actions: actions[k % actions.length] ?? [0, 0],
        reward: rewards[k] ?? 0,
        next: stateAt(k + 1),
      };
    });
  });
}

/**
 * Solves for the costs by Bellman iteration. They are small integers, so the iteration ends
 * exactly.
 */
function computeCostToGo(): Float64Array {
  const costs = new Float64Array(bridgeAbsorbing).fill(Infinity);
  for (let changed = true; changed;) {
    changed = false;
    for (let state = 0; state < bridgeAbsorbing; state++) {
      const positions = bridgePositions(state);
      const away = awayFromHome(positions);
      const least =
        away === 0
          ? 0
          : Math.min(
              ...jointActions.map(
                (actions) => away + item(costs, bridgeState(bridgeStep(positions, actions).next)),
              ),
            );
      if (least < item(costs, state)) {
        costs[state] = least;
        changed = true;
      }
    }
  }
  return costs;
}

function awayFromHome(positions: CellPair): number {
  return (isHome(positions, 0) ? 0 : 1) + (isHome(positions, 1) ? 0 : 1);
}

function staysInPlace(position: number, action: number): boolean {
  const destination = item(item(bridgeDestinations, position), action);
  return destination < 0 || destination === position;
}
