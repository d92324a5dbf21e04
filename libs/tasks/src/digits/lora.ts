import type { LowRank } from "@fedclair/core";
import { at32, type Stream } from "@fedclair/linalg";
import type { Layer } from "./model.js";
import { descend, type Trainable } from "./training.js";

/**
 * A layer with a LoRA adapter (Hu et al. 2022): W + B·A, of which W stays as it is. B is outputs×rank and A
 * rank×(inputs + 1), row-major.
 */
export class AdaptedLayer {
  readonly #base: Layer;
  readonly #rank: number;
  readonly #b: Float32Array;
  readonly #a: Float32Array;

  /**
   * B₀ = 0 and A₀ ~ N(0, 1/rank): AᵀA is then the identity on average, so that a learning rate means what it does without
   * adapters.
   * @param common the stream from which all clients of a round draw: only then can their products be compared
   */
  constructor(base: Layer, rank: number, common: Stream) {
    this.#base = base;
    this.#rank = rank;
    this.#b = new Float32Array(base.outputs * rank);
    this.#a = Float32Array.from(common.normals(rank * (base.inputs + 1), 1 / Math.sqrt(rank)));
  }

  /** The layer with W + B·A multiplied out. */
  layer(): Layer {
    const width = this.#base.inputs + 1;
    const weights = this.#base.weights.slice();
    this.#b.forEach((factor, index) => {
      const row = Math.floor(index / this.#rank) * width;
      const column = (index % this.#rank) * width;
      for (let i = 0; i < width; i++) {
        weights[row + i] = at32(weights, row + i) + factor * at32(this.#a, column + i);
      }
    });
    return { ...this.#base, weights };
  }

  /** One step, with dB = dW·Aᵀ and dA = Bᵀ·dW. @param gradient dW, outputs×(inputs + 1) */
  step(gradient: Float32Array, rate: number): void {
    const width = this.#base.inputs + 1;
    const da = new Float32Array(this.#a.length);
    const db = this.#b.map((factor, index) => {
      const row = Math.floor(index / this.#rank) * width;
      const column = (index % this.#rank) * width;
      let sum = 0;
      for (let i = 0; i < width; i++) {
        const slope = at32(gradient, row + i);
        sum += slope * at32(this.#a, column + i);
        da[column + i] = at32(da, column + i) + factor * slope;
      }
      return sum;
    });
    descend(this.#a, da, rate);
    descend(this.#b, db, rate);
  }

  update(): LowRank {
    const { outputs, inputs } = this.#base;
    return {
      b: { shape: [outputs, this.#rank], data: this.#b },
      a: { shape: [this.#rank, inputs + 1], data: this.#a },
    };
  }
}

/** The adapters of a network's layers. */
export function adaptersOf(layers: readonly AdaptedLayer[]): Trainable {
  return {
    layers: () => layers.map((adapted) => adapted.layer()),
    step: (gradients, rate) => {
      layers.forEach((adapted, i) => {
        adapted.step(gradients[i] ?? new Float32Array(), rate);
      });
    },
  };
}
