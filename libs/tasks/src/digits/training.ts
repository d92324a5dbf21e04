import { setImmediate } from "node:timers/promises";
import { at32, type Stream } from "@fedclair/linalg";
import { digitsAt, pixels, type Images } from "./images.js";
import { countRight, crossEntropy, forward, type Layer } from "./model.js";

/** What gradient steps change: all weights, or adapters of them. */
export interface Trainable {
  /** The layers as they are now. */
  layers(): readonly Layer[];
  /** One step. @param gradients of each layer's weights */
  step(gradients: readonly Float32Array[], rate: number): void;
}

/** Plain gradient steps on random batches. */
export interface Pace {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** Digits measured at once: a few milliseconds, so that a host still answers its socket. */
const measuredAtOnce = 128;

/** @returns the mean loss of the last epoch, each batch's before its step */
export async function train(
  trainable: Trainable,
  data: Images,
  { epochs, batchSize, learningRate }: Pace,
  rng: Stream,
  signal?: AbortSignal,
): Promise<number> {
  const count = data.labels.length;
  let total = NaN;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = rng.sample([...data.labels.keys()]);
    total = 0;
    for (let start = 0; start < count; start += batchSize) {
      const { images, labels } = digitsAt(data, order.slice(start, start + batchSize));
      const { logits, back } = forward(trainable.layers(), images);
      const { loss, gradient } = crossEntropy(logits, labels);
      trainable.step(back(gradient), learningRate);
      total += loss * labels.length;
      await setImmediate(undefined, { signal });
    }
  }
  return total / count;
}

/** All weights of the layers, changed in place. */
export function allWeights(layers: readonly Layer[]): Trainable {
  return {
    layers: () => layers,
    step: (gradients, rate) => {
      layers.forEach(({ weights }, i) => {
        descend(weights, gradients[i], rate);
      });
    },
  };
}

/** values ← values - rate·gradient, in place. */
export function descend(
  values: Float32Array,
  gradient: Float32Array | undefined,
  rate: number,
): void {
  for (let i = 0; i < values.length; i++) {
    values[i] = at32(values, i) - rate * (gradient?.[i] ?? NaN);
  }
}

/** Share of digits that are recognised, and their mean loss in nats. */
export async function measure(layers: readonly Layer[], { images, labels }: Images) {
  let right = 0;
  let loss = 0;
  for (let start = 0; start < labels.length; start += measuredAtOnce) {
    const end = start + measuredAtOnce;
    const part = labels.subarray(start, end);
    const { logits } = forward(layers, images.subarray(start * pixels, end * pixels));
    right += countRight(logits, part);
    loss += crossEntropy(logits, part).loss * part.length;
    await setImmediate();
  }
  return { accuracy: right / labels.length, loss: loss / labels.length };
}
