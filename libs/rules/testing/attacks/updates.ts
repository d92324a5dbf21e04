import { deserialize, serialize } from "node:v8";
import {
  loadRegistry,
  type Attack,
  type AttackedRound,
  type Plugin,
  type TensorDelta,
  type Tensor,
  type Update,
} from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { attackLoaders } from "../../src/client-loaders.js";

export const attacks = await loadRegistry<Plugin<Attack>>(attackLoaders);

/** Creates the attack with that name; options that are not given have their defaults. */
export function create(name: string, options: object = {}): Attack {
  const plugin = attacks.get(name);
  if (!plugin) throw new Error(`no attack '${name}'`);
  return plugin.create(plugin.schema.parse(options) as never);
}

export function f32(shape: readonly number[], ...values: number[]): Tensor {
  return { shape, data: Float32Array.from(values) };
}

export function f64(shape: readonly number[], ...values: number[]): Tensor {
  return { shape, data: Float64Array.from(values) };
}

export function update(clientId: string, modules: Record<string, TensorDelta>): Update {
  return {
    clientId,
    numExamples: 7,
    delta: new Map(Object.entries(modules)),
    metrics: { loss: 0.5 },
  };
}

/**
 * The updates that an attack sends in each round; its state is serialised and deserialised between
 * rounds.
 */
export function attackedRounds(
  attack: Attack,
  rounds: readonly (Omit<AttackedRound, "rng"> & Partial<AttackedRound>)[],
): (readonly Update[])[] {
  let state: unknown;
  return rounds.map((round, i) => {
    const attacked = attack.attackRound?.({ rng: stream("round").at(i), ...round }, state);
    if (attacked?.state !== undefined) state = deserialize(serialize(attacked.state));
    return attacked?.updates ?? [];
  });
}
