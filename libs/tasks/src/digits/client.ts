import type { LocalTrainer, Delta, Params, TrainJob, TrainResult } from "@fedclair/core";
import type { Images } from "./images.js";
import { AdaptedLayer, adaptersOf } from "./lora.js";
import type { Options } from "./options.js";
import { layersOf, mapLayers, paramsOf, type Layers } from "./params.js";
import { allWeights, measure, train, type Trainable } from "./training.js";

/** One client's digits. */
export interface ClientData {
  readonly training: Images;
  /** The client's own, never trained on. */
  readonly heldOut: Images;
  /** Nobody's, and the same for all. */
  readonly uniform: Images;
}

interface Trained {
  readonly loss: number;
  readonly modules: Delta;
}

export class DigitsClient implements LocalTrainer {
  readonly #options: Options;
  readonly #data: ClientData;

  constructor(options: Options, data: ClientData) {
    this.#options = options;
    this.#data = data;
  }

  /** @returns the change of every layer, or its factors; and as `loss` the mean training loss of the last epoch */
  async train(job: TrainJob): Promise<TrainResult> {
    const start = layersOf(job.params);
    const { loss, modules } =
      this.#options.model === "lora"
        ? await this.#trainAdapters(start, job)
        : await this.#trainWeights(start, job);
    return { numExamples: this.#data.training.labels.length, delta: modules, metrics: { loss } };
  }

  async #trainWeights(start: Layers, job: TrainJob): Promise<Trained> {
    const layers = mapLayers(start, (layer) => ({ ...layer, weights: layer.weights.slice() }));
    const loss = await this.#descend(allWeights([...layers.values()]), job);
    const changes = mapLayers(layers, ({ weights, ...sizes }, name) => {
      const before = start.get(name)?.weights;
      return { ...sizes, weights: weights.map((value, index) => value - (before?.[index] ?? NaN)) };
    });
    return { loss, modules: paramsOf(changes) };
  }

  async #trainAdapters(start: Layers, job: TrainJob): Promise<Trained> {
    const { rank } = this.#options;
    const adapted = mapLayers(
      start,
      (layer, name) => new AdaptedLayer(layer, rank, job.common.at("lora", name)),
    );
    const loss = await this.#descend(adaptersOf([...adapted.values()]), job);
    return { loss, modules: mapLayers(adapted, (layer) => layer.update()) };
  }

  #descend(trainable: Trainable, { rng, signal }: TrainJob): Promise<number> {
    const pace = { ...this.#options, epochs: this.#options.localEpochs };
    return train(trainable, this.#data.training, pace, rng, signal);
  }

  /** `accuracy` and `loss` (nats) on the client's own held-out digits, `uniformAccuracy` on those that nobody holds. */
  async evaluate(params: Params): Promise<TrainResult> {
    const layers = [...layersOf(params).values()];
    const own = await measure(layers, this.#data.heldOut);
    const uniform = await measure(layers, this.#data.uniform);
    return {
      numExamples: this.#data.heldOut.labels.length,
      delta: new Map(),
      metrics: { accuracy: own.accuracy, uniformAccuracy: uniform.accuracy, loss: own.loss },
    };
  }
}
