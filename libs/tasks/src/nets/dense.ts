import { Linear, type Floats } from "@fedclair/compute";
import type { NetworkLayer, TrainedMatrix } from "./network.js";

/** A linear layer with all weights trainable. */
export class Dense implements NetworkLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly trained: readonly TrainedMatrix[];
  /** inputs×outputs, followed by the bias if there is one. The owner writes them. */
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
