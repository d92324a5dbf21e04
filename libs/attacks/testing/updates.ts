import { deserialize, serialize } from "node:v8";
import type { Attack, AttackedRound, TensorDelta, Tensor, Update } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { attacks } from "../src/index.js";

/** The attack of that name, with these options and the defaults of the others. */
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

/** What an attack with sight of the rounds sends in each; between two of them its state is stored and read again. */
export function attackedRounds(
  attack: Attack,
  rounds: readonly (Omit<AttackedRound, "rng"> & Partial<AttackedRound>)[],
): (readonly Update[])[] {
  let state: unknown;
  return rounds.map((seen, i) => {
    const attacked = attack.attackRound?.({ rng: stream("round").at(i), ...seen }, state);
    if (attacked?.state !== undefined) state = deserialize(serialize(attacked.state));
    return attacked?.updates ?? [];
  });
}
