import { Floats, Linear } from "@fedclair/compute";
import type { LowRank, Params } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { Network, type NetworkLayer, type TrainedMatrix } from "../nets/network.js";

/**
 * A layer with a LoRA adapter (Hu et al. 2022): W + B·A, of which W stays as it is. B is outputs×rank and A
 * rank×(inputs + 1); both are held transposed. The product of the two is never made: x·Aᵀ has few columns.
 */
export class AdaptedLayer implements NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly TrainedMatrix[];
  readonly #rank: number;
  readonly #base: Linear;
  readonly #down: Linear;
  readonly #up: Linear;
  /** x·Aᵀ and the gradient by it. */
  readonly #middle: Floats;
  readonly #slope: Floats;

  /**
   * B₀ = 0 and A₀ ~ N(0, 1/rank): AᵀA is then the identity on average, so that a learning rate means what it does without
   * adapters.
   * @param module outputs×(inputs + 1), the last column the bias
   * @param common the stream from which all clients of a round draw: only then can their products be compared
   * @param rows the most that it reads at once
   */
  constructor(
    {
      shape: [outputs = 0, width = 0],
      data,
    }: { shape: readonly number[]; data: ArrayLike<number> },
    rank: number,
    common: Stream,
    rows: number,
  ) {
    this.inputs = width - 1;
    this.outputs = outputs;
    this.#rank = rank;
    this.#base = new Linear(this.inputs, outputs, true);
    this.#base.weights.writeTransposed(data);
    this.#down = new Linear(this.inputs, rank, true);
    this.#down.weights.writeTransposed(common.normals(rank * width, 1 / Math.sqrt(rank)));
    this.#up = new Linear(rank, outputs, false);
    this.#middle = new Floats(rows, rank);
    this.#slope = new Floats(rows, rank);
    this.trained = [this.#down, this.#up];
  }

  forward(x: Floats, y: Floats, rows: number): void {
    this.#base.forward(x, y, rows);
    this.#down.forward(x, this.#middle, rows);
    this.#up.forward(this.#middle, y, rows, true);
  }

  /** dB = dWᵀ·… by way of x·Aᵀ, and dA by way of dy·B. */
  back(x: Floats, dy: Floats, rows: number, dx?: Floats): void {
    this.#up.back(this.#middle, dy, rows);
    this.#up.backInputs(dy, this.#slope, rows);
    this.#down.back(x, this.#slope, rows);
    if (!dx) return;
    this.#base.backInputs(dy, dx, rows, x);
    this.#down.backInputs(this.#slope, dx, rows, x, true);
  }

  update(): LowRank {
    const { inputs, outputs } = this;
    const [rank, width] = [this.#rank, inputs + 1];
    return {
      b: { shape: [outputs, rank], data: this.#up.weights.readTransposed() },
      a: { shape: [rank, width], data: this.#down.weights.readTransposed() },
    };
  }

  release(): void {
    for (const one of [this.#base, this.#down, this.#up, this.#middle, this.#slope]) one.release();
  }
}

/** A network of which adapters are trained, and they by module. @param rows the most digits that it reads at once */
export function adaptedNetwork(params: Params, rank: number, common: Stream, rows: number) {
  const adapters = new Map(
    [...params].map(([name, module]) => [
      name,
      new AdaptedLayer(module, rank, common.at("lora", name), rows),
    ]),
  );
  return { network: new Network([...adapters.values()], rows), adapters };
}
