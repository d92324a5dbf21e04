import { Floats, relu, type Linear } from "@fedclair/compute";
import { item } from "@fedclair/linalg";

/** A trainable matrix and its gradient from the last backward pass. */
export type TrainedMatrix = Pick<Linear, "weights" | "gradient">;

/** A layer of a network, on the float32 kernels of `@fedclair/compute`. */
export interface NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly TrainedMatrix[];
  /** Computes the layer's output y from the first rows of x. */
  forward(x: Floats, y: Floats, rows: number): void;
  /**
   * Computes the gradients of the trainable matrices and, if `dx` is given, the gradient with
   * respect to x, masked by the ReLU before the layer.
   */
  back(x: Floats, dy: Floats, rows: number, dx?: Floats): void;
  release(): void;
}

/** Layers with ReLU between them. `release` also releases the layers. */
export class Network {
  readonly layers: readonly NetworkLayer[];
  /** The input of the first layer. */
  readonly input: Floats;
  /** The output of each layer. `#slopes` holds the gradients with respect to them. */
  readonly #outputs: readonly Floats[];
  readonly #slopes: readonly Floats[];

  /** @param rows the largest number of rows in a batch */
  constructor(layers: readonly NetworkLayer[], rows: number) {
    this.layers = layers;
    this.input = new Floats(rows, layers[0]?.inputs ?? NaN);
    this.#outputs = layers.map(({ outputs }) => new Floats(rows, outputs));
    this.#slopes = layers.map(({ outputs }) => new Floats(rows, outputs));
  }

  get trained(): readonly TrainedMatrix[] {
    return this.layers.flatMap(({ trained }) => trained);
  }

  /**
   * Computes the output of the last layer.
   * @param rows number of leading rows of `input` to use
   * @returns rows×outputs, row-major
   */
  forward(rows: number): Float32Array {
    let y = this.input;
    this.layers.forEach((layer, i) => {
      const x = y;
      if (i > 0) relu(x, rows);
      y = this.#output(i);
      layer.forward(x, y, rows);
    });
    return y.read(rows);
  }

  /**
   * Computes the gradients of the trainable matrices. Call it after `forward`.
   * @param slope the gradient with respect to the output of `forward`
   */
  back(slope: ArrayLike<number>, rows: number): void {
    this.#slopes.at(-1)?.write(slope);
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const x = i === 0 ? this.input : this.#output(i - 1);
      this.layers[i]?.back(x, this.#slope(i), rows, i === 0 ? undefined : this.#slope(i - 1));
    }
  }

  release(): void {
    for (const one of [this.input, ...this.#outputs, ...this.#slopes, ...this.layers])
      one.release();
  }

  #output(layer: number): Floats {
    return item(this.#outputs, layer);
  }

  #slope(layer: number): Floats {
    return item(this.#slopes, layer);
  }
}
