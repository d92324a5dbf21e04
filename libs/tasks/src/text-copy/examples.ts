import * as tf from "@tensorflow/tfjs-core";
import { contextLength, copyLength } from "./shape.js";

/** Sequences x SEP y: x and what is to follow it, `copyLength` tokens a sequence each, one sequence after another. */
export interface Examples {
  readonly x: Int32Array;
  readonly y: Int32Array;
}

export function countOf({ x }: Examples): number {
  return x.length / copyLength;
}

/**
 * What the model reads, x1 … x6 SEP y1 … y5, as one-hot rows. The separator is the token after the last of the
 * vocabulary. (sequences·contextLength)×(vocabulary + 1)
 */
export function contextRows(examples: Examples, vocabulary: number): tf.Tensor2D {
  const count = countOf(examples);
  const tokens = new Int32Array(count * contextLength);
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * copyLength, (i + 1) * copyLength];
    tokens.set(examples.x.subarray(from, to), i * contextLength);
    tokens[i * contextLength + copyLength] = vocabulary;
    tokens.set(examples.y.subarray(from, to - 1), i * contextLength + copyLength + 1);
  }
  return oneHotRows(tokens, vocabulary + 1);
}

/** What the model is to predict, as one-hot rows. (sequences·copyLength)×(vocabulary + 1) */
export function targetRows({ y }: Examples, vocabulary: number): tf.Tensor2D {
  return oneHotRows(y, vocabulary + 1);
}

function oneHotRows(tokens: Int32Array, depth: number): tf.Tensor2D {
  // Asked for float32 itself, the wasm kernel writes integers into the floats' memory.
  return tf.cast(tf.oneHot(tf.tensor1d(tokens, "int32"), depth) as tf.Tensor2D, "float32");
}
