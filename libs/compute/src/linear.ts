import { Floats } from "./floats.js";
import { allocate, deallocate, kernels } from "./memory.js";

/** Values of the `start` parameter of `affine` that are not the address of a bias. */
const unchanged = 0;
const zeros = 1;

/**
 * A linear layer y = x·W + bias, float32, on the kernels; it must be released. The cost of a row of
 * x depends only on its non-zero entries.
 */
export class Linear {
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
  /** inputs×outputs, with the bias as an additional row. */
  readonly weights: Floats;
  /** The gradient, with the shape of the weights. */
  readonly gradient: Floats;
  readonly #places: number;

  constructor(inputs: number, outputs: number, hasBias: boolean) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.hasBias = hasBias;
    this.weights = new Floats(inputs + Number(hasBias), outputs);
    this.gradient = new Floats(inputs + Number(hasBias), outputs);
    this.#places = allocate(this.#placeBytes);
  }

  /**
   * y ← x·W + bias for the first rows of both.
   * @param isAdded whether to add the product, without the bias, to the content of y
   */
  forward(x: Floats, y: Floats, rows: number, isAdded = false): void {
    const { weights } = this;
    const start = isAdded ? unchanged : this.hasBias ? this.#bias(weights) : zeros;
    kernels.affine(
      x.address,
      rows,
      x.width,
      weights.address,
      weights.width,
      y.address,
      start,
      this.#places,
    );
  }

  /** gradient ← [x, 1]ᵀ·dy for the first rows. */
  back(x: Floats, dy: Floats, rows: number): void {
    const { gradient } = this;
    gradient.clear();
    kernels.weightGradient(
      x.address,
      rows,
      x.width,
      dy.address,
      gradient.width,
      gradient.address,
      this.hasBias ? this.#bias(gradient) : 0,
      this.#places,
    );
  }

  /**
   * dx ← dy·Wᵀ for the first rows.
   * @param read with the shape of dx: dx is 0 where it is 0, because a unit that a ReLU cut off
   * passes no gradient
   * @param isAdded whether to add to the content of dx
   */
  backInputs(dy: Floats, dx: Floats, rows: number, read?: Floats, isAdded = false): void {
    const { address, width } = this.weights;
    kernels.inputGradient(
      dy.address,
      rows,
      width,
      address,
      this.inputs,
      dx.address,
      dx.width,
      read?.address ?? 0,
      isAdded,
    );
  }

  release(): void {
    this.weights.release();
    this.gradient.release();
    deallocate(this.#places, this.#placeBytes);
  }

  /** One place for each input, plus room for processing the last four together. */
  get #placeBytes(): number {
    return 16 * Math.ceil((this.inputs + 4) / 4);
  }

  #bias({ address, width }: Floats): number {
    return address + 4 * this.inputs * width;
  }
}
