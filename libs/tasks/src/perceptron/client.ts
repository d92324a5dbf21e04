import { descend } from "@fedclair/compute";
import {
  UserError,
  type Delta,
  type GradientTraining,
  type LocalTrainer,
  type Params,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";
import type { Network } from "../nets/network.js";
import type { Examples } from "./examples.js";
import { createAdaptedNetwork } from "./lora.js";
import { openPerceptron, readPerceptron } from "./model.js";
import type { PerceptronOptions } from "./options.js";
import {
  Batches,
  measure,
  takePerceptronSteps,
  trainPerceptron,
  type CommonExamples,
} from "./training.js";

/** One client's data. */
export interface ClientExamples {
  readonly training: Examples;
  /** Examples that are held back from training, with labels contaminated like those. */
  readonly heldBack: Examples;
  /** Examples of the client that it never trains on. */
  readonly heldOut: Examples;
  /** Examples that no client holds. All clients are measured on the same ones. */
  readonly uniform?: CommonExamples | undefined;
  /** Says what to change if the params are for another number of inputs than the data have. */
  readonly describeMisfit: (wanted: number, width: number) => string;
}

interface TrainingResult {
  readonly loss: number;
  readonly delta: Delta;
}

export class PerceptronClient implements LocalTrainer {
  readonly #options: PerceptronOptions;
  readonly #data: ClientExamples;

  constructor(options: PerceptronOptions, data: ClientExamples) {
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
    return { numExamples: this.#data.training.places.length, delta, metrics };
  }

  get #stepSum(): number {
    const { localEpochs, batchSize, learningRate } = this.#options;
    const steps = localEpochs * Math.ceil(this.#data.training.places.length / batchSize);
    return steps * learningRate;
  }

  /** Opens plain gradient steps; see `refusesSteps` of the options. */
  open({ params: first, rng, signal }: TrainJob): GradientTraining {
    this.#requireSize(first);
    const { training } = this.#data;
    const { batchSize, learningRate, localEpochs } = this.#options;
    const batches = new Batches(training, batchSize, rng);
    return {
      params: first,
      numExamples: training.places.length,
      count: localEpochs * batches.inPass,
      rate: learningRate,
      loss: async (params) => (await measure(params, training)).loss,
      steps: async (params, { count, rate, towards, only }) => {
        const names = [...params.keys()];
        const network = openPerceptron(params, this.#rows);
        const target = towards && openPerceptron(towards.params, 1);
        const weights = target?.trained.map((one) => one.weights);
        const descent = {
          steps: count,
          learningRate: rate,
          ...(towards && weights && { towards: { weights, weight: towards.weight } }),
          ...(only && { isFixed: (i: number) => !only.includes(item(names, i)) }),
        };
        try {
          await takePerceptronSteps(network, training, batches, descent, signal);
          return readPerceptron(network, params);
        } finally {
          network.release();
          target?.release();
        }
      },
    };
  }

  async #trainWeights(job: TrainJob): Promise<TrainingResult> {
    const network = openPerceptron(job.params, this.#rows);
    const start = network.trained.map(({ weights }) => weights.copy());
    const control = job.control && openPerceptron(job.control, 1);
    try {
      const loss = await this.#descend(network, job, control);
      // Subtracting the initial weights leaves the change.
      network.trained.forEach(({ weights }, i) => {
        descend(weights, item(start, i), 1);
      });
      return { loss, delta: readPerceptron(network, job.params) };
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
    return trainPerceptron(network, this.#data.training, pace, rng, signal);
  }

  /**
   * The data of two hosts may differ. The coordinator gets the message of the error, so it contains
   * only the number of inputs.
   * @throws UserError if the params are for another number of inputs
   */
  #requireSize(params: Params): void {
    const [first] = params.values();
    const wanted = (first?.shape[1] ?? 0) - 1;
    const { training, describeMisfit } = this.#data;
    if (training.width !== wanted) throw new UserError(describeMisfit(wanted, training.width));
  }

  /** Examples per step. */
  get #rows(): number {
    return Math.min(this.#options.batchSize, this.#data.training.places.length);
  }

  /** Measures the loss on the examples that are held back. */
  async measureHeldBack(params: Params): Promise<number> {
    this.#requireSize(params);
    return (await measure(params, this.#data.heldBack)).loss;
  }

  /**
   * Measures `accuracy` and `loss` on the client's held-out examples, and `uniformAccuracy` on
   * those that no client holds. If numbers are predicted, it reports `uniformLoss` and no accuracy.
   */
  async evaluate(params: Params): Promise<TrainResult> {
    this.#requireSize(params);
    const { heldOut, uniform } = this.#data;
    const own = await measure(params, heldOut);
    const common = await uniform?.measure(params);
    const metrics = heldOut.outputs
      ? { loss: own.loss, ...(common && { uniformLoss: common.loss }) }
      : {
          accuracy: own.accuracy,
          ...(common && { uniformAccuracy: common.accuracy }),
          loss: own.loss,
        };
    return { numExamples: heldOut.places.length, delta: new Map(), metrics };
  }
}
