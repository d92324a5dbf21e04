import type { Stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { adamState, adamStep, type AdamState } from "./adam.js";

/** A linear layer; all but the last of a perceptron are followed by ReLU. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
}

/**
 * A perceptron with ReLU between its layers, on TensorFlow.js. The weights of all layers are one vector: of each layer the
 * rows of its matrix, inputs×outputs, and then, if it has one, its bias. Adam thereby takes one pass over it, where
 * tensors as small as these cost by their number.
 */
export type Perceptron = readonly Layer[];

/** Rows of a layer's block in the vector of weights; a bias is the last. */
export function rowsOf({ inputs, hasBias }: Layer): number {
  return inputs + Number(hasBias);
}

/**
 * Weights to begin with, uniform in ±1/√inputs, biases too.
 * @param last bound of the last layer's weights in place of 1/√inputs; its bias is then 0
 */
export function initialWeights(perceptron: Perceptron, rng: Stream, last?: number): Float32Array {
  const blocks = perceptron.map((layer, i) => {
    const { inputs, outputs } = layer;
    const bound = i === perceptron.length - 1 ? last : undefined;
    return Array.from({ length: rowsOf(layer) * outputs }, (_, k) => {
      if (bound !== undefined && k >= inputs * outputs) return 0;
      return (bound ?? 1 / Math.sqrt(inputs)) * (2 * rng.uniform() - 1);
    });
  });
  return Float32Array.from(blocks.flat());
}

/** @param x n×inputs, row-major @returns n×outputs, row-major */
export function outputsOf(
  perceptron: Perceptron,
  weights: Float32Array,
  x: Float32Array,
): Float32Array {
  return tf.tidy(() => {
    const { y } = forward(perceptron, tf.tensor1d(weights), inputsOf(perceptron, x));
    return y.dataSync<"float32">();
  });
}

/** A perceptron that learns by Adam on all of its inputs at once. To be disposed of. */
export class Learner {
  readonly #perceptron: Perceptron;
  readonly #x: tf.Tensor2D;
  #state: AdamState<tf.Tensor1D>;
  #steps = 0;

  /** @param x n×inputs, row-major */
  constructor(perceptron: Perceptron, weights: Float32Array, x: Float32Array) {
    this.#perceptron = perceptron;
    this.#x = inputsOf(perceptron, x);
    this.#state = adamState(tf.tensor1d(weights));
  }

  get weights(): Float32Array {
    return this.#state.value.dataSync<"float32">();
  }

  /**
   * One step of Adam.
   * @param slopeAt the gradient of the loss by the outputs, n×outputs row-major, from the outputs
   */
  step(
    rate: number,
    beta2: number,
    slopeAt: (outputs: Float32Array) => Float64Array | Float32Array,
  ): void {
    this.#steps++;
    const before = this.#state;
    this.#state = tf.tidy(() => {
      const { y, back } = forward(this.#perceptron, before.value, this.#x);
      const slope = Float32Array.from(slopeAt(y.dataSync<"float32">()));
      return adamStep(before, back(tf.tensor2d(slope, y.shape)), rate, this.#steps, beta2);
    });
    tf.dispose(before);
  }

  dispose(): void {
    tf.dispose([this.#state, this.#x]);
  }
}

function inputsOf([first]: Perceptron, x: Float32Array): tf.Tensor2D {
  const columns = first?.inputs ?? NaN;
  return tf.tensor2d(x, [x.length / columns, columns]);
}

/** The outputs, and the gradient by the weights from that by the outputs. Call it inside `tf.tidy`. */
export function forward(perceptron: Perceptron, weights: tf.Tensor1D, x: tf.Tensor2D) {
  const passes: { readonly layer: Layer; readonly w: tf.Tensor2D; readonly read: tf.Tensor2D }[] =
    [];
  let y = x;
  let start = 0;
  perceptron.forEach((layer, i) => {
    const { inputs, outputs, hasBias } = layer;
    const size = inputs * outputs;
    const w = tf.reshape<tf.Rank.R2>(tf.slice1d(weights, start, size), [inputs, outputs]);
    passes.push({ layer, w, read: y });
    const activation = i < perceptron.length - 1 ? "relu" : "linear";
    const bias = hasBias ? tf.slice1d(weights, start + size, outputs) : undefined;
    y = tf.fused.matMul({ a: y, b: w, activation, ...(bias && { bias }) }) as tf.Tensor2D;
    start += rowsOf(layer) * outputs;
  });
  return {
    y,
    back: (dy: tf.Tensor2D): tf.Tensor1D => {
      const gradients: tf.Tensor1D[] = [];
      let slope = dy;
      for (const [i, { layer, w, read }] of [...passes.entries()].reverse()) {
        if (layer.hasBias) gradients.unshift(tf.sum(slope, 0));
        gradients.unshift(tf.reshape(tf.matMul(tf.transpose(read), slope), [-1]));
        // A unit that is off reads 0, and passes nothing back.
        if (i > 0) slope = tf.mul(tf.matMul(slope, tf.transpose(w)), tf.step(read));
      }
      return tf.concat1d(gradients);
    },
  };
}
