import {
  turnOfEventLoop,
  type LocalTrainer,
  type Params,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { contextRows, countSequences, targetRows, type Examples } from "./examples.js";
import { adaptModules, addParams, loadAdapters } from "./lora.js";
import { tokenCrossEntropy, embed, forward, splitModules } from "./model.js";
import { copyLength } from "./shape.js";
import { trainTogether, type Training } from "./training.js";

/** One client's sequences. */
interface ClientTexts {
  readonly training: Examples;
  /** Sequences that are held back from training, contaminated like those. */
  readonly heldBack: Examples;
  /** Sequences from the client's own distribution that it never trains on. */
  readonly heldOut: Examples;
  /** Sequences of uniform tokens. */
  readonly uniform: Examples;
}

/**
 * Trains several clients of a trial together.
 * @param jobs jobs of one round, one per client
 */
export function trainAll(
  trainers: readonly LocalTrainer[],
  jobs: readonly TrainJob[],
): Promise<TrainResult[]> {
  const clients = trainers.filter((trainer) => trainer instanceof TextCopyClient);
  const members = clients.map(({ data }, i) => ({ examples: data.training, job: item(jobs, i) }));
  return trainTogether(item(clients, 0).training, members);
}

/**
 * Sequences that are evaluated in one batch. This takes about 10 ms, so that a host still answers
 * its socket.
 */
const evaluationBatch = 256;

export class TextCopyClient implements LocalTrainer {
  readonly training: Training;
  readonly data: ClientTexts;

  constructor(training: Training, data: ClientTexts) {
    this.training = training;
    this.data = data;
  }

  /**
   * Trains for a round.
   * @returns the LoRA pair of each module; `loss` is the training loss of the last batch before its
   * step
   */
  async train(job: TrainJob): Promise<TrainResult> {
    return item(await trainAll([this], [job]), 0);
  }

  /**
   * Measures greedy accuracy per token of y, where each token is predicted from the true tokens
   * before it. `accuracy` is on held-out sequences of the client's own distribution,
   * `uniformAccuracy` on uniform tokens, and `loss` on the held-out sequences, in nats per token.
   */
  async evaluate(params: Params): Promise<TrainResult> {
    const own = await this.#measure(params, this.data.heldOut);
    const uniform = await this.#measure(params, this.data.uniform);
    return {
      numExamples: countSequences(this.data.heldOut),
      delta: new Map(),
      metrics: { accuracy: own.accuracy, uniformAccuracy: uniform.accuracy, loss: own.loss },
    };
  }

  /** Measures the loss on the sequences that are held back, in nats per token. */
  async measureHeldBack(params: Params): Promise<number> {
    return (await this.#measure(params, this.data.heldBack)).loss;
  }

  async #measure(params: Params, { x, y }: Examples) {
    const { base, vocabulary, rank, adapters } = this.training;
    const batch = evaluationBatch * copyLength;
    let correct = 0;
    let loss = 0;
    for (let start = 0; start < y.length; start += batch) {
      const part = { x: x.subarray(start, start + batch), y: y.subarray(start, start + batch) };
      tf.tidy(() => {
        const split = splitModules(base);
        const modules =
          adapters === "lasting"
            ? adaptModules(split, loadAdapters(rank, [params]))
            : addParams(split, [params]);
        const { logits } = forward(embed(contextRows(part, vocabulary), base), base, modules);
        const predicted = tf.argMax(logits, -1).dataSync();
        correct += part.y.filter((token, i) => token === predicted[i]).length;
        const [entropy = NaN] = tokenCrossEntropy(logits, targetRows(part, vocabulary)).values();
        loss += entropy * part.y.length;
      });
      await turnOfEventLoop();
    }
    return { accuracy: correct / y.length, loss: loss / y.length };
  }
}
