import { deserialize, serialize } from "node:v8";
import type {
  Attack,
  AttackedRound,
  TensorDelta,
  Tensor,
  TrainResult,
  Update,
} from "@fedclair/core";
import { stream, type Stream } from "@fedclair/linalg";
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

/** An update with a module of every kind: matrix (two alike), vector, scalar, kernel and factors, in both dtypes. */
export function anyUpdate(clientId: string, rank = 2): Update {
  const rng = stream("any update").at(clientId);
  return update(clientId, {
    matrix: normals64([5, 4], rng),
    twin: normals64([5, 4], rng),
    vector: normals32([6], rng),
    scalar: normals64([], rng),
    kernel: normals32([2, 3, 2], rng),
    pair32: { b: normals32([6, rank], rng), a: normals32([rank, 4], rng) },
    pair64: { b: normals64([3, rank], rng), a: normals64([rank, 5], rng) },
  });
}

/** What the attack makes of the clients' updates, at the client or with sight of the round. */
export async function attacked(
  attack: Attack,
  own: readonly Update[],
  honest: readonly Update[],
): Promise<readonly Update[]> {
  const rng = stream("attacked");
  if (attack.attackRound) return attack.attackRound({ own, honest, rng }, undefined).updates;
  return Promise.all(
    own.map(async ({ clientId, ...result }) => {
      const corrupt = await attack.corruptUpdate?.(result, rng.at(clientId));
      return { ...(corrupt ?? result), clientId } satisfies TrainResult & { clientId: string };
    }),
  );
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

function normals32(shape: readonly number[], rng: Stream): Tensor {
  const { data } = normals64(shape, rng);
  return { shape, data: Float32Array.from(data) };
}

function normals64(shape: readonly number[], rng: Stream): Tensor {
  return { shape, data: rng.normals(shape.reduce((product, extent) => product * extent, 1)) };
}
