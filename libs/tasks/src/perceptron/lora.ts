import { Floats, Linear } from "@fedclair/compute";
import type { LowRank, Params } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { Network, type NetworkLayer, type TrainedMatrix } from "../nets/network.js";

/**
 * A layer with a LoRA adapter (Hu et al. 2022): W + B·A with W frozen. B is outputs×rank and A is
 * rank×(inputs + 1), and both are stored transposed. The product B·A is never formed, because x·Aᵀ
 * has few columns.
 */
export class AdaptedLayer implements NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly TrainedMatrix[];
  readonly #rank: number;
  readonly #base: Linear;
  readonly #down: Linear;
  readonly #up: Linear;
  /** Holds x·Aᵀ. `#slope` holds the gradient with respect to it. */
  readonly #middle: Floats;
  readonly #slope: Floats;

  /**
   * Starts from B₀ = 0 and A₀ ~ N(0, 1/rank). AᵀA is then the identity on average, so a learning
   * rate has the same effect as without adapters.
   * @param module outputs×(inputs + 1), with the bias as the last column
   * @param common the stream from which all clients of a round draw; their products can only be
   * compared if it is the same
   * @param rows the largest number of rows in a batch
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

  /** Computes dB from x·Aᵀ, and dA from dy·B. */
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

/**
 * Creates a network whose adapters are trained. Returns it with the adapters by module.
 * @param rows the largest number of examples in a batch
 */
export function createAdaptedNetwork(params: Params, rank: number, common: Stream, rows: number) {
  const adapters = new Map(
    [...params].map(([name, module]) => [
      name,
      new AdaptedLayer(module, rank, common.at("lora", name), rows),
    ]),
  );
  return { network: new Network([...adapters.values()], rows), adapters };
}
