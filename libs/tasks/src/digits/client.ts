import { descend } from "@fedclair/compute";
import {
  UserError,
  type Delta,
  type LocalTrainer,
  type Params,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import type { Chosen } from "./images.js";
import { createAdaptedNetwork } from "./lora.js";
import { openClassifier, readClassifier } from "./model.js";
import type { DigitsOptions } from "./options.js";
import { measure, trainClassifier, type CommonDigits } from "./training.js";

/** One client's digits. */
export interface ClientDigits {
  readonly training: Chosen;
  /** Digits that are held back from training, with labels contaminated like those. */
  readonly heldBack: Chosen;
  /** Digits of the client that it never trains on. */
  readonly heldOut: Chosen;
  /** Digits that no client holds. All clients are measured on the same ones. */
  readonly uniform: CommonDigits;
}

interface TrainingResult {
  readonly loss: number;
  readonly delta: Delta;
}

export class DigitsClient implements LocalTrainer {
  readonly #options: DigitsOptions;
  readonly #data: ClientDigits;

  constructor(options: DigitsOptions, data: ClientDigits) {
    this.#options = options;
    this.#data = data;
  }

  /**
   * Trains for a round.
   * @returns the change of every layer, or its low-rank pair; `loss` is the mean training loss of
   * the last epoch, and `stepSum` with `job.control` the sum of the learning rates of all steps
   */
  async train(job: TrainJob): Promise<TrainResult> {
    this.#requireSize(job.params);
    const { loss, delta } =
      this.#options.model === "lora"
        ? await this.#trainAdapters(job)
        : await this.#trainWeights(job);
    const metrics = { loss, ...(job.control && { stepSum: this.#stepSum }) };
    return { numExamples: this.#data.training.labels.length, delta, metrics };
  }

  get #stepSum(): number {
    const { localEpochs, batchSize, learningRate } = this.#options;
    const steps = localEpochs * Math.ceil(this.#data.training.labels.length / batchSize);
    return steps * learningRate;
  }

  async #trainWeights(job: TrainJob): Promise<TrainingResult> {
    const network = openClassifier(job.params, this.#rows);
    const start = network.trained.map(({ weights }) => weights.copy());
    const control = job.control && openClassifier(job.control, 1);
    try {
      const loss = await this.#descend(network, job, control);
      // Subtracting the initial weights leaves the change.
      network.trained.forEach(({ weights }, i) => {
        descend(weights, item(start, i), 1);
      });
      return { loss, delta: readClassifier(network, job.params) };
    } finally {
      for (const one of [network, ...start, ...(control ? [control] : [])]) one.release();
    }
  }

  async #trainAdapters(job: TrainJob): Promise<TrainingResult> {
    const { rank } = this.#options;
    const { network, adapters } = createAdaptedNetwork(job.params, rank, job.common, this.#rows);
    try {
      const loss = await this.#descend(network, job);
      return { loss, delta: new Map([...adapters].map(([name, one]) => [name, one.update()])) };
    } finally {
      network.release();
    }
  }

  #descend(network: Network, { rng, signal }: TrainJob, control?: Network): Promise<number> {
    const pace = { ...this.#options, epochs: this.#options.localEpochs, control };
    return trainClassifier(network, this.#data.training, pace, rng, signal);
  }

  /**
   * The images of two hosts may differ. The coordinator gets the message of the error, so it
   * contains only the number of pixels.
   * @throws UserError if the params are for images of another size
   */
  #requireSize(params: Params): void {
    const [first] = params.values();
    const wanted = (first?.shape[1] ?? 0) - 1;
    const { pixels } = this.#data.training;
    if (pixels === wanted) return;
    throw new UserError(
      `digits: the params are for images of ${wanted} numbers, and those of this host have ${pixels}: give every host images of one size and kind (a grey pixel is one number, a coloured one three)`,
    );
  }

  /** Digits per step. */
  get #rows(): number {
    return Math.min(this.#options.batchSize, this.#data.training.labels.length);
  }

  /** Measures the loss on the digits that are held back, in nats. */
  async measureHeldBack(params: Params): Promise<number> {
    this.#requireSize(params);
    return (await measure(params, this.#data.heldBack)).loss;
  }

  /**
   * Measures `accuracy` and `loss` (nats) on the client's held-out digits, and `uniformAccuracy` on
   * digits that no client holds.
   */
  async evaluate(params: Params): Promise<TrainResult> {
    this.#requireSize(params);
    const { heldOut, uniform } = this.#data;
    const own = await measure(params, heldOut);
    const common = await uniform.measure(params);
    return {
      numExamples: heldOut.labels.length,
      delta: new Map(),
      metrics: { accuracy: own.accuracy, uniformAccuracy: common.accuracy, loss: own.loss },
    };
  }
}
