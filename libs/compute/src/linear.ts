import { Floats } from "./floats.js";
import { allocate, giveBack, kernels } from "./memory.js";

/** What `affine` adds the product to, in place of the address of a bias. */
const kept = 0;
const zeros = 1;

/**
 * A linear layer y = x·W + bias, float32, on the kernels; to be released. Rows of x that are mostly 0 cost what their other
 * entries cost.
 */
export class Linear {
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
  /** inputs×outputs, the bias as one more row. */
  readonly weights: Floats;
  /** Of the weights' shape. */
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
   * @param isAdded is the product alone added to what y holds?
   */
  forward(x: Floats, y: Floats, rows: number, isAdded = false): void {
    const { weights } = this;
    const start = isAdded ? kept : this.hasBias ? this.#bias(weights) : zeros;
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

  /** gradient ← [x, 1]ᵀ·dy, of the first rows. */
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
   * dx ← dy·Wᵀ, of the first rows.
   * @param read of dx's shape: dx is 0 where this is, since a unit that a ReLU cut off passes nothing back
   * @param isAdded is it added to what dx holds?
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
    giveBack(this.#places, this.#placeBytes);
  }

  /** One for each input, and room for the last four to be looked at together. */
  get #placeBytes(): number {
    return 16 * Math.ceil((this.inputs + 4) / 4);
  }

  #bias({ address, width }: Floats): number {
    return address + 4 * this.inputs * width;
  }
}
