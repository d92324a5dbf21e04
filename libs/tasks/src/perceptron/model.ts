import { at32, item, type Stream } from "@fedclair/linalg";
import type { Params } from "@fedclair/core";
import { Dense } from "../nets/dense.js";
import { Network } from "../nets/network.js";
import type { PerceptronOptions } from "./options.js";

/*
 * A perceptron with ReLU between its layers. With one layer it is multinomial logistic regression.
 * A module is the matrix of a layer, outputs×(inputs + 1), row-major, with the bias as the last
 * column. Networks store it transposed.
 */

/**
 * Draws the initial params: zeros for logistic regression, otherwise weights N(0, 2/inputs) before
 * the ReLUs and N(0, 1/inputs) after them, with biases of 0.
 */
export function initialParams(
  { model, hidden }: Pick<PerceptronOptions, "model" | "hidden">,
  inputs: number,
  outputs: number,
  rng: Stream,
): Params {
  if (model === "logistic") return new Map([["output", module(inputs, outputs, 0, rng)]]);
  return new Map([
    ["hidden", module(inputs, hidden, 2 / inputs, rng.at("hidden"))],
    ["output", module(hidden, outputs, 1 / hidden, rng.at("output"))],
  ]);
}

function module(inputs: number, outputs: number, variance: number, rng: Stream) {
  const width = inputs + 1;
  const data = Float32Array.from(rng.normals(outputs * width, Math.sqrt(variance)));
  for (let j = 0; j < outputs; j++) data[j * width + inputs] = 0;
  return { shape: [outputs, width], data };
}

/**
 * Creates a network in which everything is trained.
 * @param rows the largest number of examples in a batch
 */
export function openPerceptron(params: Params, rows: number): Network {
  const layers = [...params.values()].map(({ shape: [outputs = 0, width = 0], data }) => {
    const layer = new Dense(width - 1, outputs, true);
    layer.weights.writeTransposed(data);
    return layer;
  });
  return new Network(layers, rows);
}

/**
 * Reads the current weights of a network as params: the inverse of `openPerceptron`.
 * @param params names and shapes
 */
export function readPerceptron(network: Network, params: Params): Params {
  return new Map(
    [...params].map(([name, { shape }], i) => [
      name,
      { shape, data: item(network.trained, i).weights.readTransposed() },
    ]),
  );
}

/**
 * Computes the mean cross-entropy in nats per example, and its gradient.
 * @param logits n×classes
 */
export function classCrossEntropy(logits: Float32Array, labels: Int32Array) {
  const classes = logits.length / labels.length;
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  labels.forEach((label, s) => {
    const start = s * classes;
    let largest = -Infinity;
    for (let k = start; k < start + classes; k++) largest = Math.max(largest, at32(logits, k));
    let total = 0;
    for (let k = start; k < start + classes; k++) {
      const likelihood = Math.exp(at32(logits, k) - largest);
      gradient[k] = likelihood;
      total += likelihood;
    }
    for (let k = start; k < start + classes; k++) {
      const p = at32(gradient, k) / total;
      gradient[k] = (p - Number(k === start + label)) / labels.length;
    }
    loss += largest + Math.log(total) - at32(logits, start + label);
  });
  return { loss: loss / labels.length, gradient };
}

/** Counts the examples whose largest logit is at their label. */
export function countRight(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  return labels.filter((label, s) => {
    const row = logits.subarray(s * classes, (s + 1) * classes);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
}

/**
 * Computes the mean squared error of an output, and its gradient.
 * @param predicted n×q
 * @param outputs n×q, the numbers to predict
 */
export function meanSquaredError(predicted: Float32Array, outputs: Float32Array) {
  let loss = 0;
  const gradient = predicted.map((value, i) => {
    const error = value - at32(outputs, i);
    loss += error ** 2;
    return (2 * error) / outputs.length;
  });
  return { loss: loss / outputs.length, gradient };
}
