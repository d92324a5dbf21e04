import { Floats, relu, type Linear } from "@fedclair/compute";
import { item } from "@fedclair/linalg";

/** A matrix that is trained, and the gradient of the last step by it. */
export type Trained = Pick<Linear, "weights" | "gradient">;

/** A layer of a network, on the float32 kernels of `@fedclair/compute`. */
export interface NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly Trained[];
  /** y ← what the layer makes of the first rows of x. */
  forward(x: Floats, y: Floats, rows: number): void;
  /** The gradients by what is trained, and, where it is asked for, that by x, which a ReLU has cut off. */
  back(x: Floats, dy: Floats, rows: number, dx?: Floats): void;
  release(): void;
}

/** Layers with ReLU between them. To be released, with its layers. */
export class Network {
  readonly layers: readonly NetworkLayer[];
  /** What the first layer reads. */
  readonly input: Floats;
  /** What each layer gives, and the gradient by it. */
  readonly #outputs: readonly Floats[];
  readonly #slopes: readonly Floats[];

  /** @param rows the most that it ever reads at once */
  constructor(layers: readonly NetworkLayer[], rows: number) {
    this.layers = layers;
    this.input = new Floats(rows, layers[0]?.inputs ?? NaN);
    this.#outputs = layers.map(({ outputs }) => new Floats(rows, outputs));
    this.#slopes = layers.map(({ outputs }) => new Floats(rows, outputs));
  }

  get trained(): readonly Trained[] {
    return this.layers.flatMap(({ trained }) => trained);
  }

  /** @param rows of `input` that count @returns rows×outputs of the last layer, row-major */
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

  /** After `forward`: sets the gradients of what is trained. @param slope the gradient by what `forward` returned */
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
