import { stream, type Stream } from "@fedclair/linalg";
import type { Attack } from "../src/contracts/attack.js";
import type { TrainResult } from "../src/contracts/task.js";
import type { Dense } from "../src/tensors/tensor.js";
import type { TensorDelta, Update } from "../src/tensors/update.js";

/**
 * Creates an update with a module of every kind: matrix (two of one shape), vector, scalar, kernel
 * and factors, in both dtypes.
 */
export function anyUpdate(clientId: string, rank = 2): Update {
  const rng = stream("any update").at(clientId);
  const modules: Readonly<Record<string, TensorDelta>> = {
    matrix: normals64([5, 4], rng),
    twin: normals64([5, 4], rng),
    vector: normals32([6], rng),
    scalar: normals64([], rng),
    kernel: normals32([2, 3, 2], rng),
    pair32: { b: normals32([6, rank], rng), a: normals32([rank, 4], rng) },
    pair64: { b: normals64([3, rank], rng), a: normals64([rank, 5], rng) },
  };
  return {
    clientId,
    numExamples: 7,
    delta: new Map(Object.entries(modules)),
    metrics: { loss: 0.5 },
  };
}

/** Applies an attack to its clients' updates, whether it acts at the client or is omniscient. */
export async function applyAttack(
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

function normals32(shape: readonly number[], rng: Stream): Dense {
  const { data } = normals64(shape, rng);
  return { shape, data: Float32Array.from(data) };
}

function normals64(shape: readonly number[], rng: Stream): Dense {
  return { shape, data: rng.normals(shape.reduce((product, extent) => product * extent, 1)) };
}
