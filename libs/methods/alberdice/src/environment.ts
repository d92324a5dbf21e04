import { item } from "@fedclair/linalg";
import type { Metrics, Shard } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import {
  bridgeAbsorbing,
  bridgeActions,
  bridgeCells,
  bridgePositions,
  bridgeShape,
  bridgeStart,
  bridgeState,
  bridgeStep,
  type CellPair,
} from "./bridge.js";
import { bridgeEpisodes, bridgeTransitions } from "./bridge-data.js";
import { bestBridgeReturn, evaluateBridge } from "./bridge-evaluation.js";
import type { GameShape, Transition } from "./dataset.js";
import {
  bestMatrixValue,
  matrixNashGap,
  matrixReward,
  matrixShape,
  matrixValue,
} from "./matrix-game.js";
import type { Options } from "./options.js";
import { jointProbabilities, type Policy } from "./policy.js";

/**
 * A game. Clients draw their data from it, and the coordinator, which knows the rules, measures
 * policies in it.
 */
export interface Environment {
  readonly shape: GameShape;
  /** The largest possible return. */
  readonly best: number;
  /** The state in which an episode starts. Figures show the joint policy in this state. */
  readonly start: number;
  /** The inputs of the networks for a state. */
  features(state: number): readonly number[];
  /**
   * Draws the data of one client, yielding to the event loop in between.
   * @param client the client, for recorded data
   */
  draw(rng: Stream, client: ClientPlace): Promise<readonly Transition[]>;
  /**
   * Measures policies: `return`, `nashGap` (the largest gain in return that one agent can reach by
   * changing only its own policy), and `success` if the game has a goal.
   */
  measure(policies: readonly Policy[]): Metrics;
  /**
   * The positions of the agents if both always take their likeliest action; only for a game on a
   * map.
   */
  path?(policies: readonly Policy[]): readonly CellPair[];
}

/** A client's index and the number of clients. */
type ClientPlace = Pick<Shard, "index" | "count">;

/** Creates the simulated game of a trial. */
export function environmentOf({ environment }: Pick<Options, "environment">): Environment {
  return environment.name === "bridge" ? bridgeGame(environment) : matrixGame(environment);
}

/** Episodes drawn before yielding to the event loop. */
const batch = 50;

type BridgeOptions = Extract<Options["environment"], { name: "bridge" }>;

function bridgeGame({ random, optimal, limit }: BridgeOptions): Environment {
  return {
    shape: bridgeShape,
    best: bestBridgeReturn(limit),
    start: bridgeState(bridgeStart),
    features: bridgeFeatures,
    draw: async (rng) => {
      const transitions: Transition[] = [];
      const add = async (count: number, isRandom: boolean) => {
        for (let left = count; left > 0; left -= batch) {
          const some = Math.min(left, batch);
          transitions.push(
            ...bridgeTransitions(bridgeEpisodes(isRandom ? some : 0, isRandom ? 0 : some, rng)),
          );
          await setImmediate();
        }
      };
      await add(random, true);
      await add(optimal, false);
      return transitions;
    },
    measure: (policies) => {
      const { ret, success, exploitability } = evaluateBridge(policies, limit);
      return { return: ret, success, nashGap: exploitability };
    },
    path: (policies) => likeliestPath(policies, limit),
  };
}

/** Encodes the cells of both agents, and whether the episode is over, as 29 numbers of 0 or 1. */
function bridgeFeatures(state: number): readonly number[] {
  const isOver = state === bridgeAbsorbing;
  const [first, second] = bridgePositions(state);
  const oneHot = (cell: number) => bridgeCells.map((_, k) => Number(!isOver && k === cell));
  return [...oneHot(first), ...oneHot(second), Number(isOver)];
}

function likeliestPath(policies: readonly Policy[], limit: number): CellPair[] {
  const path = [bridgeStart];
  let here = bridgeStart;
  for (let step = 0; step < limit; step++) {
    const joint = jointProbabilities(policies, bridgeState(here), bridgeShape);
    const likeliest = joint.indexOf(Math.max(...joint));
    const { next, over } = bridgeStep(here, [
      Math.floor(likeliest / bridgeActions),
      likeliest % bridgeActions,
    ]);
    path.push(next);
    here = next;
    if (over) break;
  }
  return path;
}

type MatrixOptions = Extract<Options["environment"], { name: "matrix" }>;

function matrixGame({ payoff, data, samples }: MatrixOptions): Environment {
  return {
    shape: matrixShape(payoff),
    best: bestMatrixValue(payoff),
    start: 0,
    features: () => [1],
    draw: (rng) =>
      Promise.resolve(
        Array.from({ length: samples }, () => {
          const actions = item(data, rng.int(data.length));
          return { state: 0, actions, reward: matrixReward(payoff, actions), next: 0 };
        }),
      ),
    measure: (policies) => ({
      return: matrixValue(payoff, policies),
      nashGap: matrixNashGap(payoff, policies),
    }),
  };
}
