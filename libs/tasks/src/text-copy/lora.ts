import * as tf from "@tensorflow/tfjs-core";
import type { LowRank, Params } from "@fedclair/core";
import { item, type Stream } from "@fedclair/linalg";
import { adamState, adamStep, type AdamState } from "../nets/adam.js";
import { moduleNames, width } from "./shape.js";

/*
 * All adapters as two matrices, transposed as the model's weights are (in×out): `down` is width×(8·rank), the modules'
 * Aᵀ side by side; `up` is (8·rank)×(8·width), their Bᵀ as diagonal blocks. Their product is then the change of
 * `adapted`: one product in place of eight. Entries of `up` off the blocks have no gradient and stay zero under Adam.
 */
export type Adapters = {
  readonly down: AdamState;
  readonly up: AdamState;
};

const columns = moduleNames.length * width;

/** A₀ ~ N(0, 1/in), B₀ = 0 (LoRA, Hu et al. 2022). @param common the stream from which all clients of a round draw */
export function initialAdapters(rank: number, common: Stream): Adapters {
  const across = moduleNames.length * rank;
  const down = new Float32Array(width * across);
  moduleNames.forEach((name, module) => {
    const a = common.at("lora", name).normals(rank * width, 1 / Math.sqrt(width));
    a.forEach((value, index) => {
      const row = Math.floor(index / width);
      down[(index % width) * across + module * rank + row] = value;
    });
  });
  return {
    down: adamState(tf.tensor2d(down, [width, across])),
    up: adamState(tf.zeros([across, columns])),
  };
}

/** The change of `adapted`, width×(8·width). */
export function adapterChange({ down, up }: Adapters): tf.Tensor2D {
  return tf.matMul(down.value, up.value);
}

/** 1 on the diagonal blocks of `up`, 0 elsewhere. */
export function blockMask(rank: number): tf.Tensor2D {
  const mask = new Float32Array(moduleNames.length * rank * columns);
  for (let row = 0; row < moduleNames.length * rank; row++) {
    const start = row * columns + Math.floor(row / rank) * width;
    mask.fill(1, start, start + width);
  }
  return tf.tensor2d(mask, [moduleNames.length * rank, columns]);
}

/** One step of Adam on both matrices, from the gradient of `adapted`. */
export function adaptersStep(
  { down, up }: Adapters,
  gradient: tf.Tensor2D,
  mask: tf.Tensor2D,
  rate: number,
  step: number,
): Adapters {
  const dDown = tf.matMul<tf.Tensor2D>(gradient, tf.transpose(up.value));
  const dUp = tf.mul<tf.Tensor2D>(tf.matMul(tf.transpose(down.value), gradient), mask);
  return { down: adamStep(down, dDown, rate, step), up: adamStep(up, dUp, rate, step) };
}

/** The adapters by module, B width×rank and A rank×width: B spans the space of outputs, so that B·A is out×in. */
export function lowRankUpdates({ down, up }: Adapters, rank: number): Map<string, LowRank> {
  const across = moduleNames.length * rank;
  const [downData, upData] = [down.value.dataSync(), up.value.dataSync()];
  return new Map(
    moduleNames.map((name, module) => {
      const b = new Float32Array(width * rank);
      const a = new Float32Array(rank * width);
      for (let j = 0; j < rank; j++) {
        const row = module * rank + j;
        for (let i = 0; i < width; i++) {
          b[i * rank + j] = item(upData, row * columns + module * width + i);
          a[j * width + i] = item(downData, i * across + row);
        }
      }
      const pair = { b: { shape: [width, rank], data: b }, a: { shape: [rank, width], data: a } };
      return [name, pair];
    }),
  );
}

/** The accumulated changes of the modules (out×in) as a change of `adapted` (in×out, side by side). */
export function packedChange(params: Params): tf.Tensor2D {
  const packed = new Float32Array(width * columns);
  moduleNames.forEach((name, module) => {
    const data = params.get(name)?.data;
    if (data?.length !== width * width) {
      throw new RangeError(`params: module ${name} must be ${width}×${width}`);
    }
    data.forEach((value, index) => {
      const row = Math.floor(index / width);
      packed[(index % width) * columns + module * width + row] = value;
    });
  });
  return tf.tensor2d(packed, [width, columns]);
}
