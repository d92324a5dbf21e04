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
  type Pair,
} from "./bridge.js";
import type { Transition } from "./dataset.js";

/** Steps after which an episode of the data is cut off. */
const dataLimit = 50;
/** Steps of an episode that are learnt from. */
const keptSteps = 20;

export interface BridgeEpisode {
  readonly actions: readonly Pair[];
  /** One more than there are actions. */
  readonly positions: readonly Pair[];
  readonly rewards: readonly number[];
  /** Both came home. */
  readonly goal: boolean;
}

/** Draws uniform integers in 0 … bound - 1. */
interface Integers {
  int(bound: number): number;
}

/** All joint actions, the first agent's in the outer loop. */
const jointActions: readonly Pair[] = Array.from({ length: bridgeActions ** 2 }, (_, a) => [
  Math.floor(a / bridgeActions),
  a % bridgeActions,
]);

/** By state: the least sum over the coming steps of the number of agents not yet home. */
let costToGo: Float64Array | undefined;

export function bridgeCostToGo(positions: Pair): number {
  costToGo ??= computeCostToGo(); // not on import: who loads the task need not play it
  return item(costToGo, bridgeState(positions));
}

/**
 * The joint actions of a shortest way home from here, in lexicographic order. An agent that is home may only use actions
 * that would leave it in place: so do the official data.
 */
export function bridgeOptimalActions(positions: Pair): readonly Pair[] {
  const wanted = bridgeCostToGo(positions) - awayFromHome(positions);
  return jointActions.filter(
    (actions) =>
      ([0, 1] as const).every(
        (i) => !isHome(positions, i) || staysInPlace(positions[i], actions[i]),
      ) && bridgeCostToGo(bridgeStep(positions, actions).next) === wanted,
  );
}

/** Episodes of uniformly random actions, then episodes of uniformly drawn optimal ones, from one generator. */
export function bridgeEpisodes(random: number, optimal: number, rng: Integers): BridgeEpisode[] {
  const uniform = (): Pair => [rng.int(bridgeActions), rng.int(bridgeActions)];
  const best = (positions: Pair): Pair => {
    const choices = bridgeOptimalActions(positions);
    return choices[rng.int(choices.length)] ?? [0, 0];
  };
  return [
    ...Array.from({ length: random }, () => playEpisode(uniform)),
    ...Array.from({ length: optimal }, () => playEpisode(best)),
  ];
}

function playEpisode(choose: (positions: Pair) => Pair): BridgeEpisode {
  const positions = [bridgeStart];
  const actions: Pair[] = [];
  const rewards: number[] = [];
  let here = bridgeStart;
  let goal = false;
  while (!goal && actions.length < dataLimit) {
    const action = choose(here);
    const { next, reward, over } = bridgeStep(here, action);
    actions.push(action);
    // At the time limit all count as done, so the last step pays nothing.
    rewards.push(actions.length === dataLimit ? 0 : reward);
    positions.push(next);
    here = next;
    goal = over;
  }
  return { actions, positions, rewards, goal };
}

/**
 * The first 20 steps of every episode; one that came home earlier goes on in the absorbing state, repeating its actions,
 * so that all finished episodes weigh alike.
 */
export function bridgeTransitions(episodes: readonly BridgeEpisode[]): Transition[] {
  return episodes.flatMap(({ actions, positions, rewards, goal }) => {
    const length = goal ? keptSteps : Math.min(keptSteps, actions.length);
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

/** Bellman iteration; the costs are small integers, so it ends exactly. */
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

function awayFromHome(positions: Pair): number {
  return (isHome(positions, 0) ? 0 : 1) + (isHome(positions, 1) ? 0 : 1);
}

function staysInPlace(position: number, action: number): boolean {
  const destination = item(item(bridgeDestinations, position), action);
  return destination < 0 || destination === position;
}
