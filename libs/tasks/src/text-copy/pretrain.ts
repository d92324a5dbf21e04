import * as tf from "@tensorflow/tfjs-core";
import { item, type Stream } from "@fedclair/linalg";
import { createAdamState, stepAdam, type TensorAdamState } from "../nets/adam.js";
import { contextRows, targetRows, type Examples } from "./examples.js";
import {
  tokenCrossEntropy,
  embed,
  forward,
  splitModules,
  type WeightName,
  type TransformerWeights,
} from "./model.js";
import { contextLength, copyLength, hidden, loraModules, width } from "./shape.js";

/** Number of steps for which the shipped bases were trained. */
export const pretrainSteps = 900;
const batchSize = 64;
/**
 * Adam's learning rate, which falls linearly to a tenth. At a constant rate the base would still be
 * unsettled, which hides what clients share.
 */
const firstRate = 3e-3;
const lastRate = 3e-4;
/**
 * Every twelfth batch is copied and the others are reversed, so that the base knows the format and
 * little about copying.
 */
const copyEvery = 12;

type States = Record<WeightName, TensorAdamState>;

/**
 * Trains a base from scratch on uniform tokens. It learns to reverse them, except for every twelfth
 * batch, which it copies.
 * @param vocabulary number of tokens without the separator
 * @returns the weights, which the caller has to dispose of
 */
export function pretrain(vocabulary: number, steps: number, rng: Stream): TransformerWeights {
  let states = mapWeights(drawInitialWeights(vocabulary, rng.at("init")), createAdamState);
  for (let step = 1; step <= steps; step++) {
    const examples = drawBatch(vocabulary, step % copyEvery === 0, rng.at("batch", step));
    const rate = firstRate + (lastRate - firstRate) * ((step - 1) / steps);
    const next = tf.tidy(() => stepWeights(states, examples, vocabulary, step, rate));
    tf.dispose(states);
    states = next;
  }
  return mapWeights(states, ({ value, mean, square }) => {
    tf.dispose([mean, square]);
    return value;
  });
}

/**
 * Draws normal entries with PyTorch's initial variances: 1/(3·in) in the matrices, 1 in the
 * embeddings.
 */
function drawInitialWeights(vocabulary: number, rng: Stream): TransformerWeights {
  const normal = (name: WeightName, rows: number, columns: number, deviation: number) =>
    tf.tensor2d(Float32Array.from(rng.at(name).normals(rows * columns, deviation)), [
      rows,
      columns,
    ]);
  const matrix = (name: WeightName, rows: number, columns: number) =>
    normal(name, rows, columns, 1 / Math.sqrt(3 * rows));
  return {
    embedding: normal("embedding", vocabulary + 1, width, 1),
    position: normal("position", contextLength, width, 1),
    adapted: matrix("adapted", width, loraModules.length * width),
    "block0.up": matrix("block0.up", width, hidden),
    "block0.down": matrix("block0.down", hidden, width),
    "block1.up": matrix("block1.up", width, hidden),
    "block1.down": matrix("block1.down", hidden, width),
    head: matrix("head", width, vocabulary + 1),
  };
}

function drawBatch(vocabulary: number, copy: boolean, rng: Stream): Examples {
  const x = Int32Array.from({ length: batchSize * copyLength }, () => rng.int(vocabulary));
  return { x, y: copy ? x : reverseSequences(x) };
}

/** Reverses each sequence. */
export function reverseSequences(x: Int32Array): Int32Array {
  const y = Int32Array.from(x);
  for (let start = 0; start < y.length; start += copyLength) {
    y.subarray(start, start + copyLength).reverse();
  }
  return y;
}

function stepWeights(
  states: States,
  examples: Examples,
  vocabulary: number,
  step: number,
  rate: number,
): States {
  const weights = mapWeights(states, ({ value }) => value);
  const { gradients } = computeLossAndGradients(weights, examples, vocabulary);
  return mapWeights(states, (state, name) => stepAdam(state, gradients[name](), rate, step));
}

/**
 * Computes the loss on the examples, in nats per token, and its gradients with respect to all
 * weights.
 */
export function computeLossAndGradients(
  weights: TransformerWeights,
  examples: Examples,
  vocabulary: number,
) {
  const rows = contextRows(examples, vocabulary);
  const { logits, back } = forward(embed(rows, weights), weights, splitModules(weights));
  const { values, gradient } = tokenCrossEntropy(logits, targetRows(examples, vocabulary));
  const { input, modules, ...others } = back(gradient());
  const dEmbedded = input();
  const bySequence = tf.reshape(dEmbedded, [-1, contextLength, width]);
  const gradients: Record<WeightName, () => tf.Tensor2D> = {
    ...others,
    adapted: () => tf.concat2d([...modules()], 1),
    embedding: () => tf.matMul<tf.Tensor2D>(tf.transpose(rows), dEmbedded),
    position: () => tf.sum<tf.Tensor2D>(bySequence, 0),
  };
  return { loss: () => item(values(), 0), gradients };
}

function mapWeights<From, To>(
  record: Readonly<Record<WeightName, From>>,
  map: (value: From, name: WeightName) => To,
): Record<WeightName, To> {
  const entries = Object.entries(record) as [WeightName, From][];
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value, name)])) as Record<
    WeightName,
    To
  >;
}
