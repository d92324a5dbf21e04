import { descend, type Floats } from "@fedclair/compute";
import { yieldToEventLoop, type Params } from "@fedclair/core";
import { areEqual, item, type Stream } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import { imageAt, type Chosen } from "./images.js";
import { countRight, classCrossEntropy, openClassifier } from "./model.js";

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
 * Digits that are measured in one batch. This takes a millisecond or two, so that a host still
 * answers its socket.
 */
const evaluationBatch = 128;

/**
 * Trains a network in place. The loss that it returns excludes FedProx's term.
 * @returns the mean loss of the last epoch, where each batch is measured before its step
 */
export async function trainClassifier(
  network: Network,
  data: Chosen,
  { epochs, batchSize, learningRate, proximal = 0, control }: Pace,
  rng: Stream,
  signal?: AbortSignal,
): Promise<number> {
  const count = data.labels.length;
  const start = proximal > 0 ? network.trained.map(({ weights }) => weights.copy()) : [];
  let total = NaN;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = rng.sample([...data.labels.keys()]);
      total = 0;
      for (let from = 0; from < count; from += batchSize) {
        const batch = order.slice(from, from + batchSize);
        const { loss, gradient } = computeEntropy(network, data, batch);
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

/** The share of digits that are recognised, and their mean loss in nats. */
interface Measurement {
  readonly accuracy: number;
  readonly loss: number;
}

export async function measure(params: Params, data: Chosen): Promise<Measurement> {
  const count = data.labels.length;
  const network = openClassifier(params, Math.min(evaluationBatch, count));
  let right = 0;
  let loss = 0;
  try {
    for (let start = 0; start < count; start += evaluationBatch) {
      const length = Math.min(evaluationBatch, count - start);
      const part = Array.from({ length }, (_, i) => start + i);
      const entropy = computeEntropy(network, data, part);
      right += countRight(entropy.logits, entropy.labels);
      loss += entropy.loss * length;
      await yieldToEventLoop();
    }
  } finally {
    network.release();
  }
  return { accuracy: right / count, loss: loss / count };
}

function computeEntropy(network: Network, data: Chosen, batch: readonly number[]) {
  batch.forEach((index, row) => {
    network.input.writeRow(row, imageAt(data, index));
  });
  const logits = network.forward(batch.length);
  const labels = Int32Array.from(batch, (index) => item(data.labels, index));
  return { logits, labels, ...classCrossEntropy(logits, labels) };
}

/**
 * The digits on which all clients are measured. The last result is cached, because clients of a
 * round mostly have the same params.
 */
export class CommonDigits {
  readonly #digits: Chosen;
  #last: { readonly params: Params; readonly measured: Promise<Measurement> } | undefined;

  constructor(digits: Chosen) {
    this.#digits = digits;
  }

  measure(params: Params): Promise<Measurement> {
    if (!this.#last || !haveSameNumbers(this.#last.params, params)) {
      this.#last = { params, measured: measure(params, this.#digits) };
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
