import { turnOfEventLoop, type TrainJob, type TrainResult } from "@fedclair/core";
import { indices, item } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, countSequences, targetRows, type Examples } from "./examples.js";
import { adaptModules, stepAdapters, loadAdapters, readLowRankUpdates, addParams } from "./lora.js";
import { drawTransformerAdapters } from "./factors.js";
import {
  tokenCrossEntropy,
  embed,
  forward,
  splitModules,
  type TransformerWeights,
} from "./model.js";
import { width } from "./shape.js";

/** The settings and the base that all clients of a trial share. */
export interface Training {
  readonly base: TransformerWeights;
  /** Number of tokens without the separator. */
  readonly vocabulary: number;
  readonly rank: number;
  readonly localSteps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Whether the factor A is trained, or stays as drawn. */
  readonly trainA: boolean;
  /**
   * fresh: the params are changes of the modules, and every round draws adapters. lasting: the
   * params are adapters, with which a round goes on.
   */
  readonly adapters: "fresh" | "lasting";
  /** μ of FedProx: the pull of the factors towards their start; 0 for none. */
  readonly proximal: number;
}

/** A client that is trained together with others. */
interface CohortMember {
  readonly examples: Examples;
  readonly job: TrainJob;
}

/**
 * Trains clients of one round that hold equally many sequences, in the same steps. The frozen part
 * runs over all of them at once, and their adapted modules are batched.
 * @returns one result per client, in the order of `members`
 */
export async function trainTogether(
  training: Training,
  members: readonly CohortMember[],
): Promise<TrainResult[]> {
  const { base, vocabulary, rank, localSteps, batchSize, learningRate } = training;
  const { proximal, trainA } = training;
  const isLasting = training.adapters === "lasting";
  const clients = members.length;
  const starts = members.map(({ job }) => job.params);
  const { examples, job } = item(members, 0);
  const count = countSequences(examples);
  const sequences = indices(count);
  // Everything up to the embeddings is frozen, so all sequences are embedded once, one row per
  // sequence.
  const fixed = tf.tidy(() => {
    const stackRows = (rows: (examples: Examples) => tf.Tensor2D) =>
      tf.concat2d(
        members.map((one) => tf.reshape<tf.Rank.R2>(rows(one.examples), [count, -1])),
        0,
      );
    return {
      start: isLasting ? [...splitModules(base)] : addParams(splitModules(base), starts),
      embedded: stackRows((own) => embed(contextRows(own, vocabulary), base)),
      target: stackRows((own) => targetRows(own, vocabulary)),
    };
  });
  const drawBatch = () =>
    members.flatMap(({ job: { rng } }, client) => {
      const batch = batchSize < count ? rng.sample(sequences, batchSize) : sequences;
      return batch.map((sequence) => client * count + sequence);
    });
  const drawn = isLasting ? undefined : drawTransformerAdapters(rank, job.common);
  // Clients keep nothing between rounds, so Adam's means start at 0 in each of them.
  let adapters = tf.tidy(() => loadAdapters(rank, drawn ? starts.map(() => drawn) : starts));
  const { down, up } = adapters;
  const pull =
    proximal > 0 ? { proximal, down: tf.clone(down.value), up: tf.clone(up.value) } : undefined;
  let losses: Float32Array = new Float32Array(clients);
  try {
    for (let step = 1; step <= localSteps; step++) {
      const next = tf.tidy(() => {
        const batch = drawBatch();
        const embedded = batchRows(fixed.embedded, batch, width);
        const target = batchRows(fixed.target, batch, vocabulary + 1);
        const modules = adaptModules(fixed.start, adapters);
        const { logits, back } = forward(embedded, base, modules);
        const entropy = tokenCrossEntropy(logits, target, clients);
        if (step === localSteps) losses = entropy.values();
        const gradients = back(entropy.gradient()).modules();
        return stepAdapters(adapters, gradients, { rate: learningRate, step, trainA, pull });
      });
      tf.dispose(adapters);
      adapters = next;
      await turnOfEventLoop();
      job.signal.throwIfAborted();
    }
    return readLowRankUpdates(adapters).map((delta, client) => {
      return { numExamples: count, delta, metrics: { loss: item(losses, client) } };
    });
  } finally {
    tf.dispose([fixed, adapters, pull ? [pull.down, pull.up] : []]);
  }
}

/**
 * Selects the token rows of the given sequences.
 * @param bySequence one row per sequence
 */
function batchRows(bySequence: tf.Tensor2D, sequences: number[], columns: number): tf.Tensor2D {
  const all = sequences.length === bySequence.shape[0];
  const rows = all ? bySequence : tf.gather(bySequence, tf.tensor1d(sequences, "int32"));
  return tf.reshape(rows, [-1, columns]);
}
