import { setImmediate } from "node:timers/promises";
import type { LocalTrainer, Params, TrainJob, TrainResult } from "@fedclair/core";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, countOf, targetRows, type Examples } from "./examples.js";
import {
  adapterChange,
  adaptersStep,
  blockMask,
  initialAdapters,
  lowRankUpdates,
  packedChange,
} from "./lora.js";
import { crossEntropy, embed, forward, type Weights } from "./model.js";
import { copyLength, width } from "./shape.js";

/** What all clients of a trial have in common. */
export interface Training {
  readonly base: Weights;
  /** Tokens without the separator. */
  readonly vocabulary: number;
  readonly rank: number;
  readonly localSteps: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** One client's sequences. */
export interface ClientData {
  readonly training: Examples;
  /** From the client's own distribution, never trained on. */
  readonly heldOut: Examples;
  /** Uniform tokens. */
  readonly uniform: Examples;
}

/** Sequences evaluated at once: some 25 ms, so that a host still answers its socket. */
const evaluationBatch = 256;

export class TextCopyClient implements LocalTrainer {
  readonly #training: Training;
  readonly #data: ClientData;

  constructor(training: Training, data: ClientData) {
    this.#training = training;
    this.#data = data;
  }

  /** @returns the LoRA pair of each module, and as `loss` the training loss of the last batch before its step */
  async train({ params, rng, common, signal }: TrainJob): Promise<TrainResult> {
    const { base, vocabulary, rank, localSteps, batchSize, learningRate } = this.#training;
    const examples = this.#data.training;
    const count = countOf(examples);
    const sequences = Array.from({ length: count }, (_, i) => i);
    // Only what follows the embeddings changes: embed all sequences once, a row each.
    const fixed = tf.tidy(() => ({
      start: tf.add<tf.Tensor2D>(base.adapted, packedChange(params)),
      mask: blockMask(rank),
      embedded: tf.reshape<tf.Rank.R2>(embed(contextRows(examples, vocabulary), base), [count, -1]),
      target: tf.reshape<tf.Rank.R2>(targetRows(examples, vocabulary), [count, -1]),
    }));
    let adapters = tf.tidy(() => initialAdapters(rank, common));
    let loss = NaN;
    try {
      for (let step = 1; step <= localSteps; step++) {
        const next = tf.tidy(() => {
          const batch = batchSize < count ? rng.sample(sequences, batchSize) : sequences;
          const embedded = batchRows(fixed.embedded, batch, width);
          const target = batchRows(fixed.target, batch, vocabulary + 1);
          const adapted = tf.add<tf.Tensor2D>(fixed.start, adapterChange(adapters));
          const { logits, back } = forward(embedded, { ...base, adapted });
          const entropy = crossEntropy(logits, target);
          if (step === localSteps) loss = entropy.value();
          const gradient = back(entropy.gradient()).adapted();
          return adaptersStep(adapters, gradient, fixed.mask, learningRate, step);
        });
        tf.dispose(adapters);
        adapters = next;
        await setImmediate(undefined, { signal });
      }
      return { numExamples: count, delta: lowRankUpdates(adapters, rank), metrics: { loss } };
    } finally {
      tf.dispose([fixed, adapters]);
    }
  }

  /**
   * Greedy accuracy a token of y, each predicted from the true tokens before it: `accuracy` on held-out sequences of the
   * client's own distribution, `uniformAccuracy` on uniform tokens; `loss` on the held-out ones, in nats a token.
   */
  async evaluate(params: Params): Promise<TrainResult> {
    const own = await this.#measure(params, this.#data.heldOut);
    const uniform = await this.#measure(params, this.#data.uniform);
    return {
      numExamples: countOf(this.#data.heldOut),
      delta: new Map(),
      metrics: { accuracy: own.accuracy, uniformAccuracy: uniform.accuracy, loss: own.loss },
    };
  }

  async #measure(params: Params, { x, y }: Examples) {
    const { base, vocabulary } = this.#training;
    const batch = evaluationBatch * copyLength;
    let right = 0;
    let loss = 0;
    for (let start = 0; start < y.length; start += batch) {
      const part = { x: x.subarray(start, start + batch), y: y.subarray(start, start + batch) };
      tf.tidy(() => {
        const adapted = tf.add<tf.Tensor2D>(base.adapted, packedChange(params));
        const embedded = embed(contextRows(part, vocabulary), base);
        const { logits } = forward(embedded, { ...base, adapted });
        const predicted = tf.argMax(logits, -1).dataSync();
        right += part.y.filter((token, i) => token === predicted[i]).length;
        loss += crossEntropy(logits, targetRows(part, vocabulary)).value() * part.y.length;
      });
      await setImmediate();
    }
    return { accuracy: right / y.length, loss: loss / y.length };
  }
}

/** The tokens' rows of the given sequences. @param bySequence a row a sequence */
function batchRows(bySequence: tf.Tensor2D, sequences: number[], columns: number): tf.Tensor2D {
  const all = sequences.length === bySequence.shape[0];
  const rows = all ? bySequence : tf.gather(bySequence, tf.tensor1d(sequences, "int32"));
  return tf.reshape(rows, [-1, columns]);
}
