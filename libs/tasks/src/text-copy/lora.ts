import * as tf from "@tensorflow/tfjs-core";
import type { LowRank, Params } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { createAdamState, stepAdam, type TensorAdamState } from "../nets/adam.js";
import { factorNames } from "./factors.js";
import { loraModules, width } from "./shape.js";

/*
 * The adapters of many clients as two tensors, transposed like the model's weights (in×out). `down`
 * is modules×clients×width×rank and holds the Aᵀ. `up` is modules×clients×rank×width and holds the
 * Bᵀ. Modules come first, so that splitting by module copies contiguous memory.
 */
type TransformerAdapters = {
  readonly down: TensorAdamState<tf.Tensor4D>;
  readonly up: TensorAdamState<tf.Tensor4D>;
};

/**
 * Copies adapters into tensors, before the first step of Adam.
 * @param params one for each client
 */
export function loadAdapters(rank: number, params: readonly Params[]): TransformerAdapters {
  const size = width * rank;
  const down = new Float32Array(loraModules.length * params.length * size);
  const up = new Float32Array(down.length);
  let start = 0;
  for (const module of loraModules) {
    const names = factorNames(module);
    for (const one of params) {
      const b = readFactor(one, names.b, size);
      const a = readFactor(one, names.a, size);
      for (let j = 0; j < rank; j++) {
        for (let i = 0; i < width; i++) {
          up[start + j * width + i] = item(b, i * rank + j);
          down[start + i * rank + j] = item(a, j * width + i);
        }
      }
      start += size;
    }
  }
  const outer = [loraModules.length, params.length] as const;
  return {
    down: createAdamState(tf.tensor4d(down, [...outer, width, rank])),
    up: createAdamState(tf.tensor4d(up, [...outer, rank, width])),
  };
}

function readFactor(params: Params, name: string, size: number): ArrayLike<number> {
  const data = params.get(name)?.data;
  if (data?.length !== size)
    throw new RangeError(`params: factor ${name} must have ${size} numbers`);
  return data;
}

/**
 * Adds the adapters to the modules, clients×width×width each.
 * @param start the modules without adapters, of all clients or common to them
 */
export function adaptModules(
  start: readonly (tf.Tensor3D | tf.Tensor2D)[],
  { down, up }: TransformerAdapters,
): readonly tf.Tensor3D[] {
  // Split by module before the multiplication, while the tensors are small.
  const [downs, ups] = [tf.unstack(down.value), tf.unstack(up.value)];
  return start.map((module, i) => tf.add(module, tf.matMul(item(downs, i), item(ups, i))));
}

function cloneState<T extends tf.Tensor>({
  value,
  mean,
  square,
}: TensorAdamState<T>): TensorAdamState<T> {
  return { value: tf.clone(value), mean: tf.clone(mean), square: tf.clone(square) };
}

interface StepOptions {
  /** Learning rate of Adam. */
  readonly rate: number;
  /** Number of the step, from 1. */
  readonly step: number;
  /** Whether A is trained as well. */
  readonly trainA: boolean;
  readonly pull?: Pull | undefined;
}

/** The term of FedProx: μ/2 times the squared distance of both factors from their start. */
interface Pull {
  readonly proximal: number;
  /** The Aᵀ and Bᵀ at the start of the round. */
  readonly down: tf.Tensor4D;
  readonly up: tf.Tensor4D;
}

/**
 * Makes one step of Adam on both factors, or on B alone, from the gradient of each module,
 * clients×width×width.
 */
export function stepAdapters(
  { down, up }: TransformerAdapters,
  gradients: readonly tf.Tensor3D[],
  { rate, step, trainA, pull }: StepOptions,
): TransformerAdapters {
  const gradient = tf.stack([...gradients]);
  let dDown = tf.matMul<tf.Tensor4D>(gradient, up.value, false, true);
  let dUp = tf.matMul<tf.Tensor4D>(down.value, gradient, true);
  if (pull) {
    dDown = tf.add(dDown, tf.mul(pull.proximal, tf.sub(down.value, pull.down)));
    dUp = tf.add(dUp, tf.mul(pull.proximal, tf.sub(up.value, pull.up)));
  }
  return {
    down: trainA ? stepAdam(down, dDown, rate, step) : cloneState(down),
    up: stepAdam(up, dUp, rate, step),
  };
}

/**
 * Reads each client's adapters by module, B width×rank and A rank×width. B spans the space of
 * outputs, so that B·A is out×in.
 */
export function readLowRankUpdates({ down, up }: TransformerAdapters): Map<string, LowRank>[] {
  const [, clients, , rank] = down.value.shape;
  const [downData, upData] = [down.value.dataSync(), up.value.dataSync()];
  return Array.from({ length: clients }, (_, client) => {
    const pairs = loraModules.map((name, module) => {
      const start = (module * clients + client) * width * rank;
      const b = new Float32Array(width * rank);
      const a = new Float32Array(rank * width);
      for (let j = 0; j < rank; j++) {
        for (let i = 0; i < width; i++) {
          b[i * rank + j] = item(upData, start + j * width + i);
          a[j * width + i] = item(downData, start + i * rank + j);
        }
      }
      const pair = { b: { shape: [width, rank], data: b }, a: { shape: [rank, width], data: a } };
      return [name, pair] as const;
    });
    return new Map(pairs);
  });
}

/**
 * Adds each client's params to the base's modules, clients×width×width each.
 * @param base width×width each
 */
export function addParams(base: readonly tf.Tensor2D[], params: readonly Params[]): tf.Tensor3D[] {
  return loraModules.map((name, module) => {
    const changes = tf.tensor3d(collectChanges(name, params), [params.length, width, width]);
    return tf.add(item(base, module), changes);
  });
}

/** Collects the accumulated changes of one module (out×in) from all clients, transposed. */
function collectChanges(name: string, params: readonly Params[]): Float32Array {
  const size = width * width;
  const all = new Float32Array(params.length * size);
  params.forEach((one, client) => {
    const data = one.get(name)?.data;
    if (data?.length !== size) {
      throw new RangeError(`params: module ${name} must be ${width}×${width}`);
    }
    for (let i = 0; i < size; i++) {
      all[client * size + (i % width) * width + Math.floor(i / width)] = data[i] ?? NaN;
    }
  });
  return all;
}
