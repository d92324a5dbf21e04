import { item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { Learner } from "./perceptron.js";
import { withoutAgent } from "../dataset.js";
import {
  advantageSlope,
  computeCorrection,
  crossEntropySlope,
  evaluateSampledDual,
  createLearning,
  computeOthersPolicy,
  computeResiduals,
  responseTargets,
} from "./losses.js";
import {
  agentsIn,
  networkName,
  pairInputs,
  perceptronOf,
  computeProbabilities,
  stateInputs,
  turnRoles,
  getWeights,
  type Game,
  type Networks,
} from "./networks.js";
import type { Samples } from "./samples.js";

export interface TrainingSettings {
  /** Units in each of the two hidden layers. */
  readonly hidden: number;
  /** Learning rate of Adam for all networks. */
  readonly learningRate: number;
  /** Number of Adam steps. */
  readonly steps: number;
  /** Training rejects once this signal aborts. */
  readonly signal?: AbortSignal;
}

interface TurnSettings extends TrainingSettings {
  /** Weight of the KL penalty. */
  readonly alpha: number;
  readonly gamma: number;
}

/** Decay of the mean of squares in Adam. It is low because a turn has few steps. */
const beta2 = 0.99;
/** Adam steps before yielding to the event loop; they take 10 to 40 ms. */
const stepsPerYield = 8;

/**
 * Fits the data policies of one agent to the samples, by cross-entropy.
 * @returns the two networks
 */
export async function cloneData(
  game: Game,
  samples: Samples,
  networks: Networks,
  agent: number,
  settings: TrainingSettings,
): Promise<Networks> {
  const { states, rows } = samples;
  const { own, others, othersOf } = createLearning(game.shape, agent);
  const marginal = new Float64Array(states.length * own);
  const joint = new Float64Array(states.length * own * others);
  for (const { state, actions, share } of rows) {
    const pair = state * own + item(actions, agent);
    const cell = pair * others + othersOf(actions);
    marginal[pair] = item(marginal, pair) + share;
    joint[cell] = item(joint, cell) + share;
  }
  const fits = [
    { role: "data", inputs: stateInputs(game, states), masses: marginal, columns: own },
    { role: "conditional", inputs: pairInputs(game, states, own), masses: joint, columns: others },
  ] as const;
  const trained = new Map<string, Float32Array>();
  for (const { role, inputs, masses, columns } of fits) {
    const perceptron = perceptronOf(game, agent, role, settings.hidden);
    const learner = new Learner(perceptron, getWeights(networks, agent, role), inputs);
    try {
      for (let step = 1; step <= settings.steps; step++) {
        learner.step(settings.learningRate, beta2, (logits) =>
          crossEntropySlope(logits, masses, columns),
        );
        if (step % stepsPerYield === 0) await setImmediate(undefined, { signal: settings.signal });
      }
      trained.set(networkName(agent, role), learner.weights);
    } finally {
      learner.release();
    }
  }
  return trained;
}

/**
 * Trains one agent in its turn. Adam steps move ν down the dual, e towards ê, and the policy
 * towards its best response. The other agents' policies and the data policies are fixed.
 * @returns the agent's three networks
 */
export async function takeTurn(
  game: Game,
  samples: Samples,
  networks: Networks,
  agent: number,
  settings: TurnSettings,
): Promise<Networks> {
  const { hidden, learningRate, gamma } = settings;
  const learning = createLearning(game.shape, agent);
  const { own } = learning;
  const inputs = stateInputs(game, samples.states);
  const probabilities = (of: number, role: "policy" | "data" | "conditional", x: Float32Array) =>
    computeProbabilities(perceptronOf(game, of, role, hidden), getWeights(networks, of, role), x);
  const dataPolicy = probabilities(agent, "data", inputs);
  const policies = agentsIn(game)
    .filter((other) => other !== agent)
    .map((other) => probabilities(other, "policy", inputs));
  const correction = computeCorrection(
    samples,
    learning,
    computeOthersPolicy(policies, withoutAgent(game.shape, agent)),
    probabilities(agent, "conditional", pairInputs(game, samples.states, own)),
  );

  const createLearner = (role: (typeof turnRoles)[number]) =>
    new Learner(perceptronOf(game, agent, role, hidden), getWeights(networks, agent, role), inputs);
  const learners = {
    value: createLearner("value"),
    advantage: createLearner("advantage"),
    policy: createLearner("policy"),
  };
  try {
    for (let step = 1; step <= settings.steps; step++) {
      let residual: Float64Array = new Float64Array();
      let targets: Float64Array = new Float64Array();
      learners.value.step(learningRate, beta2, (nu) => {
        residual = computeResiduals(correction, nu, settings);
        return evaluateSampledDual(correction, residual, nu, gamma).slope;
      });
      learners.advantage.step(learningRate, beta2, (advantage) => {
        targets = responseTargets(correction, dataPolicy, advantage);
        return advantageSlope(correction, residual, advantage);
      });
      learners.policy.step(learningRate, beta2, (logits) =>
        crossEntropySlope(logits, targets, own),
      );
      if (step % stepsPerYield === 0) await setImmediate(undefined, { signal: settings.signal });
    }
    return new Map(turnRoles.map((role) => [networkName(agent, role), learners[role].weights]));
  } finally {
    Object.values(learners).forEach((learner) => {
      learner.release();
    });
  }
}
