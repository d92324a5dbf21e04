import { Floats } from "./floats.js";
import { kernels } from "./memory.js";

/** Replaces numbers below 0 by 0 in the first rows. */
export function relu(x: Floats, rows: number): void {
  kernels.relu(x.address, rows * x.width);
}

/** value ← value - rate·gradient. */
export function descend(value: Floats, gradient: Floats, rate: number): void {
  kernels.descend(value.address, gradient.address, value.length, rate);
}

const beta1 = 0.9;
const epsilon = 1e-8;

/**
 * Adam on one float32 matrix (Kingma and Ba 2015, algorithm 1, in the order of operations at the
 * end of its section 2); it must be released.
 */
export class Adam {
  readonly #value: Floats;
  readonly #mean: Floats;
  readonly #square: Floats;
  #steps = 0;

  /** @param value changed in place by every step */
  constructor(value: Floats) {
    this.#value = value;
    this.#mean = new Floats(value.rows, value.columns);
    this.#square = new Floats(value.rows, value.columns);
  }

  /** @param beta2 decay of the mean of squares; a value below the paper's 0.999 forgets sooner */
  step(gradient: Floats, rate: number, beta2: number): void {
    this.#steps++;
    const correction = Math.sqrt(1 - beta2 ** this.#steps);
    kernels.adam(
      this.#value.address,
      this.#mean.address,
      this.#square.address,
      gradient.address,
      this.#value.length,
      beta1,
      beta2,
      (rate * correction) / (1 - beta1 ** this.#steps),
      epsilon * correction,
    );
  }

  release(): void {
    this.#mean.release();
    this.#square.release();
  }
}
