import * as tf from "@tensorflow/tfjs-core";
import { contextLength, copyLength } from "./shape.js";

/**
 * Sequences x SEP y: x and the tokens that must follow it. Each has `copyLength` tokens per
 * sequence, one sequence after another.
 */
export interface Examples {
  readonly x: Int32Array;
  readonly y: Int32Array;
}

export function countSequences({ x }: Examples): number {
  return x.length / copyLength;
}

/**
 * Builds the model's input, x1 … x6 SEP y1 … y5, as one-hot rows:
 * (sequences·contextLength)×(vocabulary + 1). The separator is the token after the last of the
 * vocabulary.
 */
export function contextRows(examples: Examples, vocabulary: number): tf.Tensor2D {
  const count = countSequences(examples);
  const tokens = new Int32Array(count * contextLength);
  for (let i = 0; i < count; i++) {
    const [from, to] = [i * copyLength, (i + 1) * copyLength];
    tokens.set(examples.x.subarray(from, to), i * contextLength);
    tokens[i * contextLength + copyLength] = vocabulary;
    tokens.set(examples.y.subarray(from, to - 1), i * contextLength + copyLength + 1);
  }
  return oneHotRows(tokens, vocabulary + 1);
}

/**
 * Builds the targets of the prediction as one-hot rows: (sequences·copyLength)×(vocabulary + 1).
 */
export function targetRows({ y }: Examples, vocabulary: number): tf.Tensor2D {
  return oneHotRows(y, vocabulary + 1);
}

function oneHotRows(tokens: Int32Array, depth: number): tf.Tensor2D {
  // With dtype float32 in `oneHot` itself, the wasm kernel would write integers into the memory of
  // the floats.
  return tf.cast(tf.oneHot(tf.tensor1d(tokens, "int32"), depth) as tf.Tensor2D, "float32");
}
