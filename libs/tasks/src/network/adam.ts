import { at, type Matrix } from "@fedclair/linalg";

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * Adam on one matrix, in float64 (Kingma and Ba, arXiv 1412.6980, algorithm 1), with the paper's β
 * and ε.
 */
export class Adam {
  readonly #value: Matrix;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  /** @param value changed in place by every step */
  constructor(value: Matrix) {
    this.#value = value;
    this.#mean = new Float64Array(value.data.length);
    this.#square = new Float64Array(value.data.length);
  }

  step(gradient: Matrix, rate: number): void {
    this.#steps++;
    const meanBias = 1 - beta1 ** this.#steps;
    const squareBias = 1 - beta2 ** this.#steps;
    const value = this.#value.data;
    for (let i = 0; i < value.length; i++) {
      const slope = at(gradient.data, i);
      const mean = beta1 * at(this.#mean, i) + (1 - beta1) * slope;
      const square = beta2 * at(this.#square, i) + (1 - beta2) * slope ** 2;
      this.#mean[i] = mean;
      this.#square[i] = square;
      const size = Math.sqrt(square / squareBias) + epsilon;
      value[i] = at(value, i) - (rate * mean) / meanBias / size;
    }
  }
}
