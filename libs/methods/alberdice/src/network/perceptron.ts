import { Adam, type Floats } from "@fedclair/compute";
import type { Stream } from "@fedclair/linalg";
import { Dense } from "@fedclair/tasks/nets";
import { Network } from "@fedclair/tasks/nets";

/** A linear layer. All layers of a perceptron but the last are followed by ReLU. */
interface PerceptronLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
}

/**
 * A perceptron with ReLU between its layers, in float32. The weights of all layers form one vector:
 * for each layer the rows of its matrix, inputs×outputs, and then its bias if it has one.
 */
export type Perceptron = readonly PerceptronLayer[];

/** Counts the rows of a layer's block in the weight vector. The bias is the last row. */
export function rowsOf({ inputs, hasBias }: PerceptronLayer): number {
  return inputs + Number(hasBias);
}

/**
 * Draws initial weights and biases, uniform in ±1/√inputs.
 * @param last bound of the last layer's weights in place of 1/√inputs; its bias is then 0
 */
export function initialWeights(perceptron: Perceptron, rng: Stream, last?: number): Float32Array {
  const blocks = perceptron.map((layer, i) => {
    const { inputs, outputs } = layer;
    const bound = i === perceptron.length - 1 ? last : undefined;
    return Array.from({ length: rowsOf(layer) * outputs }, (_, k) => {
      if (bound !== undefined && k >= inputs * outputs) return 0;
      return (bound ?? 1 / Math.sqrt(inputs)) * (2 * rng.uniform() - 1);
    });
  });
  return Float32Array.from(blocks.flat());
}

/**
 * Computes the outputs for all inputs.
 * @param x n×inputs, row-major
 * @returns n×outputs, row-major
 */
export function outputsOf(
  perceptron: Perceptron,
  weights: Float32Array,
  x: Float32Array,
): Float32Array {
  const { network, rows } = openNetwork(perceptron, weights, x);
  try {
    return network.forward(rows);
  } finally {
    network.release();
  }
}

/**
 * Computes the gradient with respect to the weights, as one vector.
 * @param slope the gradient with respect to the outputs, n×outputs, row-major
 */
export function gradientOf(
  perceptron: Perceptron,
  weights: Float32Array,
  x: Float32Array,
  slope: ArrayLike<number>,
): Float32Array {
  const { network, rows } = openNetwork(perceptron, weights, x);
  try {
    network.forward(rows);
    network.back(slope, rows);
    return concatenate(network.trained.map(({ gradient }) => gradient));
  } finally {
    network.release();
  }
}

/** Trains a perceptron with Adam on all of its inputs at once. Call `release` afterwards. */
export class Learner {
  readonly #network: Network;
  readonly #rows: number;
  readonly #adam: readonly Adam[];

  /** @param x n×inputs, row-major */
  constructor(perceptron: Perceptron, weights: Float32Array, x: Float32Array) {
    const { network, rows } = openNetwork(perceptron, weights, x);
    this.#network = network;
    this.#rows = rows;
    this.#adam = network.trained.map((one) => new Adam(one.weights));
  }

  get weights(): Float32Array {
    return concatenate(this.#network.trained.map(({ weights }) => weights));
  }

  /**
   * Makes one step of Adam.
   * @param slopeAt computes the gradient of the loss with respect to the outputs, n×outputs,
   * row-major, from the outputs
   */
  step(
    rate: number,
    beta2: number,
    slopeAt: (outputs: Float32Array) => Float64Array | Float32Array,
  ): void {
    this.#network.back(slopeAt(this.#network.forward(this.#rows)), this.#rows);
    this.#network.trained.forEach(({ gradient }, i) => {
      this.#adam[i]?.step(gradient, rate, beta2);
    });
  }

  release(): void {
    for (const one of [this.#network, ...this.#adam]) one.release();
  }
}

function concatenate(blocks: readonly Floats[]): Float32Array {
  return Float32Array.from(blocks.flatMap((block) => [...block.read()]));
}

function openNetwork(perceptron: Perceptron, weights: Float32Array, x: Float32Array) {
  let start = 0;
  const layers = perceptron.map((layer) => {
    const end = start + rowsOf(layer) * layer.outputs;
    const own = weights.subarray(start, end);
    start = end;
    const dense = new Dense(layer.inputs, layer.outputs, layer.hasBias);
    dense.weights.write(own);
    return dense;
  });
  const rows = x.length / (perceptron[0]?.inputs ?? NaN);
  const network = new Network(layers, rows);
  network.input.write(x);
  return { network, rows };
}
