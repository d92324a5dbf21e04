import { Linear, type Floats } from "@fedclair/compute";
import type { NetworkLayer, Trained } from "./network.js";

/** A linear layer of which everything is trained. */
export class Dense implements NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly Trained[];
  /** inputs×outputs, and then the bias if there is one: to be written. */
  readonly weights: Floats;
  readonly #linear: Linear;

  constructor(inputs: number, outputs: number, hasBias: boolean) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#linear = new Linear(inputs, outputs, hasBias);
    this.weights = this.#linear.weights;
    this.trained = [this.#linear];
  }

  forward(x: Floats, y: Floats, rows: number): void {
    this.#linear.forward(x, y, rows);
  }

  back(x: Floats, dy: Floats, rows: number, dx?: Floats): void {
    this.#linear.back(x, dy, rows);
    if (dx) this.#linear.backInputs(dy, dx, rows, x);
  }

  release(): void {
    this.#linear.release();
  }
}
