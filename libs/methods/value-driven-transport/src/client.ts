import type { LocalTrainer, Params, Shard, TrainJob, TrainResult } from "@fedclair/core";
import { subtract } from "@fedclair/linalg";
import { cosineDecay } from "./schedule.js";
import { openData } from "./client-data.js";
import { adapted, adapterGradient, drawInitialAdapters, type TransportAdapters } from "./lora.js";
import { slicedW2 } from "./metrics.js";
import { byModule, type ModuleName, type Network } from "./network.js";
import type { Options } from "./options.js";
import { networkOf, toFloat32Tensor, toTensors } from "./params.js";
import { followPolicy, guidedGradient } from "./sampling.js";
import { descend, computeStepGradient, type TrainingData } from "./training.js";
import { openCondition, type World } from "./world.js";

/** Lower bound of the learning rate of local steps, as a share of the initial rate. */
const minimumRateShare = 0.05;

/** The client half: it holds its own points and trains on them as `Options.mode` requires. */
export class TransportClient implements LocalTrainer {
  readonly #options: Options;
  readonly #openCondition: readonly number[];
  readonly #data: TrainingData;
  readonly #rng: Shard["rng"];

  constructor(options: Options, world: World, shard: Shard) {
    this.#options = options;
    this.#openCondition = openCondition(options, world);
    this.#data = openData(world, shard);
    this.#rng = shard.rng;
  }

  async train(job: TrainJob): Promise<TrainResult> {
    const network = networkOf(job.params);
    return {
      numExamples: this.#data.target.points.rows,
      delta: await this.#modules(network, job),
      metrics: {},
    };
  }

  #modules(network: Network, job: TrainJob): Promise<TrainResult["delta"]> {
    switch (this.#options.mode) {
      case "gradient":
        return this.#gradient(network, job);
      case "fedavg":
        return this.#localSteps(network, job);
      case "lora":
        return this.#adapters(network, job);
    }
  }

  /**
   * Computes one gradient. If the source can be drawn by anyone, all clients draw the same source
   * points. The mean of their gradients is then exactly the gradient of their pooled data.
   */
  async #gradient(network: Network, { rng, common }: TrainJob): Promise<TrainResult["delta"]> {
    const sources = common.at("sources");
    return toTensors(await computeStepGradient(network, this.#data, this.#options, rng, sources));
  }

  /** Takes Adam steps from a fresh state and returns the change. */
  async #localSteps(
    network: Network,
    { round, rng, signal }: TrainJob,
  ): Promise<TrainResult["delta"]> {
    const { learningRate, schedule, localSteps } = this.#options;
    const rate = Math.max(
      minimumRateShare * learningRate,
      cosineDecay(learningRate, round - 1, schedule),
    );
    const { b3 } = network;
    const trained = await descend<ModuleName>(
      network,
      localSteps,
      () => rate,
      (weights, i) => this.#step({ ...weights, b3 }, rng, i),
      signal,
    );
    return toTensors(byModule((name) => subtract(trained[name], network[name])));
  }

  /**
   * Takes Adam steps on the adapters only, and returns one pair per module: `down` (in×rank) and
   * `up` (rank×out). Aggregators average the products, never the factors separately.
   */
  async #adapters(
    network: Network,
    { rng, common, signal }: TrainJob,
  ): Promise<TrainResult["delta"]> {
    const { rank, learningRate, localSteps } = this.#options;
    const trained: TransportAdapters = await descend(
      drawInitialAdapters(network, rank, common),
      localSteps,
      () => learningRate,
      async (adapters, i) =>
        adapterGradient(await this.#step(adapted(network, adapters), rng, i), adapters),
      signal,
    );
    return new Map([
      ["W1", { b: toFloat32Tensor(trained["W1.down"]), a: toFloat32Tensor(trained["W1.up"]) }],
      ["W2", { b: toFloat32Tensor(trained["W2.down"]), a: toFloat32Tensor(trained["W2.up"]) }],
    ]);
  }

  #step(network: Network, rng: TrainJob["rng"], i: number) {
    return computeStepGradient(network, this.#data, this.#options, rng.at("step", i));
  }

  /**
   * Measures `slicedW2`, the distance between the client's points and the same number of generated
   * ones.
   */
  evaluate(params: Params): Promise<TrainResult> {
    const { horizon, method } = this.#options;
    const { target, source } = this.#data;
    const { rows } = target.points;
    const guidance = { condition: this.#openCondition, weight: 0 };
    const gradient = guidedGradient(networkOf(params), guidance, method);
    const starts = source(rows, this.#rng.at("evaluate"));
    const end = followPolicy(gradient, starts, horizon).at(-1) ?? starts;
    return Promise.resolve({
      numExamples: rows,
      delta: new Map(),
      metrics: { slicedW2: slicedW2(end, target.points) },
    });
  }
}
