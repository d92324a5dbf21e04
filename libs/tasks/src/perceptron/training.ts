import { descend, type Floats } from "@fedclair/compute";
import { yieldToEventLoop, type Params } from "@fedclair/core";
import { areEqual, item, type Stream } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import { inputAt, type Examples } from "./examples.js";
import { classCrossEntropy, countRight, meanSquaredError, openPerceptron } from "./model.js";

/** Settings of plain gradient descent on random batches. */
export interface Pace {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** μ of FedProx: the pull towards the weights that training started from. Default: 0. */
  readonly proximal?: number;
  /** Added to the gradients of each step: SCAFFOLD's c - c_i, in a network of the same layers. */
  readonly control?: Network | undefined;
}

/**
 * Examples that are measured in one batch. This takes a millisecond or two, so that a host still
 * answers its socket.
 */
const evaluationBatch = 128;

/**
 * Trains a network in place. The loss that it returns excludes FedProx's term.
 * @returns the mean loss of the last epoch, where each batch is measured before its step
 */
export async function trainPerceptron(
  network: Network,
  data: Examples,
  { epochs, batchSize, learningRate, proximal = 0, control }: Pace,
  rng: Stream,
  signal?: AbortSignal,
): Promise<number> {
  const count = data.places.length;
  const start = proximal > 0 ? network.trained.map(({ weights }) => weights.copy()) : [];
  let total = NaN;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = rng.sample([...data.places.keys()]);
      total = 0;
      for (let from = 0; from < count; from += batchSize) {
        const batch = order.slice(from, from + batchSize);
        const { loss, gradient } = computeLoss(network, data, batch);
        network.back(gradient, batch.length);
        for (const [i, { weights }] of network.trained.entries()) {
          const origin = start[i];
          if (origin) pullBack(weights, origin, learningRate * proximal);
          const correction = control?.trained[i];
          if (correction) descend(weights, correction.weights, learningRate);
        }
        for (const trained of network.trained) {
          descend(trained.weights, trained.gradient, learningRate);
        }
        total += loss * batch.length;
        await yieldToEventLoop();
        signal?.throwIfAborted();
      }
    }
  } finally {
    for (const weights of start) weights.release();
  }
  return total / count;
}

/** Moves the weights towards the origin: w ← w - share·(w - origin). */
function pullBack(weights: Floats, origin: Floats, share: number): void {
  descend(weights, weights, share);
  descend(weights, origin, -share);
}

interface Measurement {
  /** The share of examples whose class is predicted; 0 where numbers are. */
  readonly accuracy: number;
  /** The mean loss of an example: cross-entropy in nats, or the squared error of an output. */
  readonly loss: number;
}

export async function measure(params: Params, data: Examples): Promise<Measurement> {
  const count = data.places.length;
  const network = openPerceptron(params, Math.min(evaluationBatch, count));
  let right = 0;
  let loss = 0;
  try {
    for (let start = 0; start < count; start += evaluationBatch) {
      const length = Math.min(evaluationBatch, count - start);
      const part = Array.from({ length }, (_, i) => start + i);
      const measured = computeLoss(network, data, part);
      right += measured.right;
      loss += measured.loss * length;
      await yieldToEventLoop();
    }
  } finally {
    network.release();
  }
  return { accuracy: right / count, loss: loss / count };
}

function computeLoss(network: Network, data: Examples, batch: readonly number[]) {
  batch.forEach((index, row) => {
    network.input.writeRow(row, inputAt(data, index));
  });
  const predicted = network.forward(batch.length);
  const { outputs } = data;
  if (outputs) {
    const width = predicted.length / batch.length;
    const wanted = new Float32Array(predicted.length);
    batch.forEach((index, row) => {
      wanted.set(outputs.subarray(index * width, (index + 1) * width), row * width);
    });
    return { right: 0, ...meanSquaredError(predicted, wanted) };
  }
  const labels = Int32Array.from(batch, (index) => item(data.labels, index));
  return { right: countRight(predicted, labels), ...classCrossEntropy(predicted, labels) };
}

/**
 * The examples on which all clients are measured. The last result is cached, because clients of a
 * round mostly have the same params.
 */
export class CommonExamples {
  readonly #examples: Examples;
  #last: { readonly params: Params; readonly measured: Promise<Measurement> } | undefined;

  constructor(examples: Examples) {
    this.#examples = examples;
  }

  measure(params: Params): Promise<Measurement> {
    if (!this.#last || !haveSameNumbers(this.#last.params, params)) {
      this.#last = { params, measured: measure(params, this.#examples) };
    }
    return this.#last.measured;
  }
}

function haveSameNumbers(a: Params, b: Params): boolean {
  return [...a].every(([name, { data }]) => {
    const other = b.get(name)?.data;
    return other !== undefined && areEqual(data, other);
  });
}
