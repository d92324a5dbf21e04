import { item } from "@fedclair/linalg";
import { sizeOf, type Params } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { initialWeights, outputsOf, rowsOf, type Perceptron } from "./perceptron.js";
import { jointCount, withoutAgent, type GameShape } from "../dataset.js";
import type { Policy } from "../policy.js";
import { agentName } from "../rounds.js";
import { softmaxRows } from "./losses.js";

/** The parts of a game that networks need. */
export interface Game {
  readonly shape: GameShape;
  /** The inputs of the networks for a state; all states have the same number of them. */
  features(state: number): readonly number[];
}

/**
 * The data policies of an agent: its own, πᴰ(a|s), and that of all others together given its own
 * action, πᴰ(b|s, a).
 */
export const dataRoles = ["data", "conditional"] as const;
/** The networks that an agent trains in its turn: ν and e, both in units of α, and the policy. */
export const turnRoles = ["value", "advantage", "policy"] as const;
type Role = (typeof dataRoles)[number] | (typeof turnRoles)[number];

/** Lists the agents of a game, from 0. */
export function agentsIn({ shape }: Game): readonly number[] {
  return [...shape.actions.keys()];
}

/** Weights by the name of the network, such as `agent0.policy`. */
export type Networks = ReadonlyMap<string, Float32Array>;

export function networkName(agent: number, role: Role): string {
  return `${agentName(agent)}.${role}`;
}

/**
 * Describes a perceptron with two hidden layers. The last layer of ν has no bias: a constant has no
 * effect and could only drift.
 */
export function perceptronOf(game: Game, agent: number, role: Role, hidden: number): Perceptron {
  const own = item(game.shape.actions, agent);
  const inputs = game.features(0).length + (role === "conditional" ? own : 0);
  const others = jointCount(withoutAgent(game.shape, agent));
  const outputs = role === "value" ? 1 : role === "conditional" ? others : own;
  return [
    { inputs, outputs: hidden, hasBias: true },
    { inputs: hidden, outputs: hidden, hasBias: true },
    { inputs: hidden, outputs, hasBias: role !== "value" },
  ];
}

/**
 * Bound of the initial weights in the last layer of policies, which makes them start almost
 * uniform.
 */
const policyBound = 1e-3;

export function initialNetworks(game: Game, hidden: number, rng: Stream): Networks {
  const entries = agentsIn(game).flatMap((agent) =>
    [...dataRoles, ...turnRoles].map((role) => {
      const name = networkName(agent, role);
      const isPolicy = role !== "value" && role !== "advantage";
      const perceptron = perceptronOf(game, agent, role, hidden);
      const weights = initialWeights(perceptron, rng.at(name), isPolicy ? policyBound : undefined);
      return [name, weights] as const;
    }),
  );
  return new Map(entries);
}

export function getWeights(networks: Networks, agent: number, role: Role): Float32Array {
  const weights = networks.get(networkName(agent, role));
  if (weights === undefined) throw new Error(`no network ${networkName(agent, role)}`);
  return weights;
}

/** Lists the inputs of the networks for some states, one row per state. */
export function stateInputs(game: Game, states: readonly number[]): Float32Array {
  return Float32Array.from(states.flatMap((state) => game.features(state)));
}

/**
 * Lists the inputs of the conditional data policy: one row per state and own action, with the
 * action one-hot at the end.
 */
export function pairInputs(game: Game, states: readonly number[], own: number): Float32Array {
  const wide = game.features(0).length + own;
  const inputs = new Float32Array(states.length * own * wide);
  states.forEach((state, s) => {
    const features = game.features(state);
    for (let action = 0; action < own; action++) {
      const row = (s * own + action) * wide;
      inputs.set(features, row);
      inputs[row + features.length + action] = 1;
    }
  });
  return inputs;
}

/** Computes the probabilities of a policy network, row-major. */
export function computeProbabilities(
  perceptron: Perceptron,
  weights: Float32Array,
  inputs: Float32Array,
): Float64Array {
  const logits = outputsOf(perceptron, weights, inputs);
  return softmaxRows(logits, perceptron.at(-1)?.outputs ?? NaN);
}

/** Computes the agents' policies in all states of the game. */
export function computePolicies(game: Game, networks: Networks, hidden: number): Policy[] {
  const states = Array.from({ length: game.shape.states }, (_, state) => state);
  const inputs = stateInputs(game, states);
  return agentsIn(game).map((agent) => {
    const perceptron = perceptronOf(game, agent, "policy", hidden);
    const table = computeProbabilities(perceptron, getWeights(networks, agent, "policy"), inputs);
    const own = table.length / states.length;
    return states.map((state) => table.slice(state * own, (state + 1) * own));
  });
}

/**
 * Splits networks into modules, one per layer, named `agent0.policy.W1` and so on. A module is
 * inputs×outputs, with a bias as the last row.
 * @param networks all networks, or some of them
 */
export function toModules(game: Game, hidden: number, networks: Networks): Params {
  return new Map(
    listLayers(game, hidden).flatMap(({ network, module, start, shape }) => {
      const weights = networks.get(network);
      if (weights === undefined) return [];
      return [[module, { shape, data: weights.slice(start, start + sizeOf(shape)) }] as const];
    }),
  );
}

/**
 * Joins modules into networks; the inverse of `toModules`, for all networks.
 * @throws Error if a module is missing
 */
export function toNetworks(game: Game, hidden: number, params: Params): Networks {
  const networks = new Map<string, number[]>();
  for (const { network, module } of listLayers(game, hidden)) {
    const tensor = params.get(module);
    if (tensor === undefined) throw new Error(`alberdice: params without module ${module}`);
    networks.set(network, [...(networks.get(network) ?? []), ...tensor.data]);
  }
  return new Map([...networks].map(([name, weights]) => [name, Float32Array.from(weights)]));
}

function listLayers(game: Game, hidden: number) {
  return agentsIn(game).flatMap((agent) =>
    [...dataRoles, ...turnRoles].flatMap((role) => {
      const network = networkName(agent, role);
      let start = 0;
      return perceptronOf(game, agent, role, hidden).map((layer, i) => {
        const shape = [rowsOf(layer), layer.outputs];
        const part = { network, module: `${network}.W${i + 1}`, start, shape };
        start += sizeOf(shape);
        return part;
      });
    }),
  );
}
