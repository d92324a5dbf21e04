import { setImmediate } from "node:timers/promises";
import type { TrainJob, TrainResult } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, countOf, targetRows, type Examples } from "./examples.js";
import { adaptedModules, adaptersStep, initialAdapters, lowRankUpdates, startOf } from "./lora.js";
import { crossEntropy, embed, forward, modulesOf, type Weights } from "./model.js";
import { width } from "./shape.js";

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

/** A client that is to be trained. */
export interface Member {
  readonly examples: Examples;
  readonly job: TrainJob;
}

/**
 * Trains clients that hold as many sequences each, of one round, in the same steps: what is frozen runs over all of them at
 * once, the modules that they adapt one beside the other.
 * @returns in their order
 */
export async function trainTogether(
  training: Training,
  members: readonly Member[],
): Promise<TrainResult[]> {
  const { base, vocabulary, rank, localSteps, batchSize, learningRate } = training;
  const clients = members.length;
  const { examples, job } = item(members, 0);
  const count = countOf(examples);
  const sequences = Array.from({ length: count }, (_, i) => i);
  // Only what follows the embeddings changes: embed all sequences once, a row each.
  const fixed = tf.tidy(() => {
    const rowsOf = (rows: (examples: Examples) => tf.Tensor2D) =>
      tf.concat2d(
        members.map((one) => tf.reshape<tf.Rank.R2>(rows(one.examples), [count, -1])),
        0,
      );
    return {
      start: startOf(
        modulesOf(base),
        members.map((one) => one.job.params),
      ),
      embedded: rowsOf((own) => embed(contextRows(own, vocabulary), base)),
      target: rowsOf((own) => targetRows(own, vocabulary)),
    };
  });
  const drawBatch = () =>
    members.flatMap(({ job: { rng } }, client) => {
      const batch = batchSize < count ? rng.sample(sequences, batchSize) : sequences;
      return batch.map((sequence) => client * count + sequence);
    });
  let adapters = tf.tidy(() => initialAdapters(rank, job.common, clients));
  let losses: Float32Array = new Float32Array(clients);
  try {
    for (let step = 1; step <= localSteps; step++) {
      const next = tf.tidy(() => {
        const batch = drawBatch();
        const embedded = batchRows(fixed.embedded, batch, width);
        const target = batchRows(fixed.target, batch, vocabulary + 1);
        const modules = adaptedModules(fixed.start, adapters);
        const { logits, back } = forward(embedded, base, modules);
        const entropy = crossEntropy(logits, target, clients);
        if (step === localSteps) losses = entropy.values();
        const gradients = back(entropy.gradient()).modules();
        return adaptersStep(adapters, gradients, learningRate, step);
      });
      tf.dispose(adapters);
      adapters = next;
      await setImmediate(undefined, { signal: job.signal });
    }
    return lowRankUpdates(adapters).map((delta, client) => {
      return { numExamples: count, delta, metrics: { loss: item(losses, client) } };
    });
  } finally {
    tf.dispose([fixed, adapters]);
  }
}

/** The tokens' rows of the given sequences. @param bySequence a row a sequence */
function batchRows(bySequence: tf.Tensor2D, sequences: number[], columns: number): tf.Tensor2D {
  const all = sequences.length === bySequence.shape[0];
  const rows = all ? bySequence : tf.gather(bySequence, tf.tensor1d(sequences, "int32"));
  return tf.reshape(rows, [-1, columns]);
}
