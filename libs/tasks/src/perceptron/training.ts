import { descend, type Floats } from "@fedclair/compute";
import { yieldToEventLoop, type Params } from "@fedclair/core";
import { areEqual, item, type Stream } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import { inputAt, type Examples } from "./examples.js";
import {
  classCrossEntropy,
  countRight,
  meanSquaredError,
  openPerceptron,
  readPerceptron,
} from "./model.js";

/** Settings of plain gradient descent. */
export interface Descent {
  readonly steps: number;
  readonly learningRate: number;
  /** Adds weight/2 times the squared distance from other weights to the loss. */
  readonly towards?: { readonly weights: readonly Floats[]; readonly weight: number } | undefined;
  /** Added to the gradients of each step: SCAFFOLD's c - c_i, in a network of the same layers. */
  readonly control?: Network | undefined;
  /** Says which trained matrices stay as they are. Default: none. */
  readonly isFixed?: (matrix: number) => boolean;
}

/** Settings of plain gradient descent on random batches. */
export interface Pace extends Pick<Descent, "learningRate" | "control"> {
  readonly epochs: number;
  readonly batchSize: number;
  /** μ of FedProx: the pull towards the weights that training started from. Default: 0. */
  readonly proximal?: number;
}

/** Batches of examples in random order, one pass over all of them after another. */
export class Batches {
  readonly #count: number;
  readonly #size: number;
  readonly #rng: Stream;
  #order: readonly number[] = [];
  #from = 0;

  constructor({ places }: Examples, size: number, rng: Stream) {
    this.#count = places.length;
    this.#size = size;
    this.#rng = rng;
  }

  /** The number of batches in a pass. */
  get inPass(): number {
    return Math.ceil(this.#count / this.#size);
  }

  next(): { readonly batch: readonly number[]; readonly isFirst: boolean } {
    const isFirst = this.#from === 0;
    if (isFirst) this.#order = this.#rng.sample(Array.from({ length: this.#count }, (_, i) => i));
    const batch = this.#order.slice(this.#from, this.#from + this.#size);
    this.#from += this.#size;
    if (this.#from >= this.#count) this.#from = 0;
    return { batch, isFirst };
  }
}

/**
 * Examples that are measured in one batch. This takes a millisecond or two, so that a host still
 * answers its socket.
 */
const evaluationBatch = 128;

/**
 * Trains a network in place, for whole epochs. The loss that it returns excludes FedProx's term.
 * @returns the mean loss of the last epoch, where each batch is measured before its step
 */
export async function trainPerceptron(
  network: Network,
  data: Examples,
  { epochs, batchSize, proximal = 0, ...pace }: Pace,
  rng: Stream,
  signal?: AbortSignal,
): Promise<number> {
  const batches = new Batches(data, batchSize, rng);
  const weights = proximal > 0 ? network.trained.map((one) => one.weights.copy()) : [];
  const towards = proximal > 0 ? { weights, weight: proximal } : undefined;
  const descent = { ...pace, steps: epochs * batches.inPass, towards };
  try {
    return await takePerceptronSteps(network, data, batches, descent, signal);
  } finally {
    for (const one of weights) one.release();
  }
}

/** Trains the base that clients adapt, on examples that no client holds. */
export async function trainBase(
  start: Params,
  data: Examples,
  options: Pick<Pace, "learningRate" | "batchSize"> & { readonly baseEpochs: number },
  rng: Stream,
): Promise<Params> {
  const network = openPerceptron(start, options.batchSize);
  try {
    const pace = { ...options, epochs: options.baseEpochs, proximal: 0 };
    await trainPerceptron(network, data, pace, rng.at("base"));
    return readPerceptron(network, start);
  } finally {
    network.release();
  }
}

/**
 * Takes gradient steps with a network in place.
 * @returns the mean loss of the examples since the last pass over the data began, where each batch
 * is measured before its step
 */
export async function takePerceptronSteps(
  network: Network,
  data: Examples,
  batches: Batches,
  { steps, learningRate, towards, control, isFixed = () => false }: Descent,
  signal?: AbortSignal,
): Promise<number> {
  let [total, count] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const { batch, isFirst } = batches.next();
    if (isFirst) [total, count] = [0, 0];
    const { loss, gradient } = computeLoss(network, data, batch);
    network.back(gradient, batch.length);
    for (const [i, { weights, gradient: slope }] of network.trained.entries()) {
      if (isFixed(i)) continue;
      const origin = towards?.weights[i];
      if (towards && origin) pullBack(weights, origin, learningRate * towards.weight);
      const correction = control?.trained[i];
      if (correction) descend(weights, correction.weights, learningRate);
      descend(weights, slope, learningRate);
    }
    total += loss * batch.length;
    count += batch.length;
    await yieldToEventLoop();
    signal?.throwIfAborted();
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
