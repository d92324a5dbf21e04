import {
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  sum,
  tanhInPlace,
  type Stream,
  item,
  at,
} from "@fedclair/linalg";

/**
 * The trained modules of a network, in the order in which they are sent. b3 is not among them,
 * because it cancels from every gradient.
 */
export const moduleNames = ["W1", "b1", "W2", "b2", "W3"] as const;
export type ModuleName = (typeof moduleNames)[number];

/**
 * The value network V(x, t) = tanh(tanh([x, t, condition]·W1 + b1)·W2 + b2)·W3 + b3, in float64. W1
 * is (d + 1 + C)×hidden, W2 hidden×hidden and W3 hidden×1, input × output. b1 and b2 are 1×hidden,
 * and b3 is a number. A velocity network (flow.ts) is the same with a W3 of hidden×d and no b3.
 */
export type Network = Readonly<Record<ModuleName, Matrix>> & { readonly b3: number };

/** A gradient or change of a network, by module. */
export type ModuleMatrices = Readonly<Record<ModuleName, Matrix>>;

/** Creates one matrix per module. */
export function byModule(make: (name: ModuleName) => Matrix): ModuleMatrices {
  return {
    W1: make("W1"),
    b1: make("b1"),
    W2: make("W2"),
    b2: make("b2"),
    W3: make("W3"),
  };
}

/**
 * Returns the shape of each module.
 * @param inputs d + 1 + C
 * @param outputs 1 for a value, d for a velocity
 */
export function listShapes(
  inputs: number,
  hidden: number,
  outputs = 1,
): Record<ModuleName, [number, number]> {
  return {
    W1: [inputs, hidden],
    b1: [1, hidden],
    W2: [hidden, hidden],
    b2: [1, hidden],
    W3: [hidden, outputs],
  };
}

/**
 * Draws every weight and bias uniformly in ±1/√(fan in). b3 is 0, since no gradient and no policy
 * depends on it.
 */
export function initialNetwork(inputs: number, hidden: number, rng: Stream, outputs = 1): Network {
  const shapes = listShapes(inputs, hidden, outputs);
  const modules = byModule((name) => {
    const [rows, cols] = shapes[name];
    const bound = 1 / Math.sqrt(name === "W1" || name === "b1" ? inputs : hidden);
    const own = rng.at(name);
    const entries = Array.from({ length: rows * cols }, () => bound * (2 * own.uniform() - 1));
    return Matrix.fromRowMajor(rows, cols, entries);
  });
  return { ...modules, b3: 0 };
}

/**
 * Builds the network's inputs.
 * @param points n×d
 * @param times t = h/H in [0, 1], for each point or for all
 * @param condition the same for all points: one-hot, zeros for no condition, empty for an
 * unconditional network
 * @returns n×(d + 1 + C)
 */
export function inputsOf(
  points: Matrix,
  times: ArrayLike<number> | number,
  condition: ArrayLike<number> = [],
): Matrix {
  const { rows, cols } = points;
  const out = new Matrix(rows, cols + 1 + condition.length);
  out.data.set(points.data);
  if (typeof times === "number") out.column(cols).fill(times);
  else out.column(cols).set(times);
  for (let c = 0; c < condition.length; c++) out.column(cols + 1 + c).fill(item(condition, c));
  return out;
}

/** Computes V at n inputs. */
export function values(network: Network, inputs: Matrix): Float64Array {
  return computeValues(network, computeActivations(network, inputs));
}

/** Computes ∇ₓV at n inputs, n×d. */
export function spatialGradient(network: Network, inputs: Matrix, d: number): Matrix {
  const activations = computeActivations(network, inputs);
  const ones = new Matrix(inputs.rows, 1);
  ones.data.fill(1);
  const { d1 } = backpropagate(network, activations, ones);
  return multiplyNT(d1, network.W1).columns(0, d);
}

/** Computes the outputs without b3 at n inputs, n×outputs. */
export function outputsOf(network: Network, inputs: Matrix): Matrix {
  return multiply(computeActivations(network, inputs).z2, network.W3);
}

/**
 * Computes the gradient of Σ w_kj·(output j at input k).
 * @param weights n×outputs
 */
export function outputGradient(network: Network, inputs: Matrix, weights: Matrix): ModuleMatrices {
  return gradientAt(network, inputs, computeActivations(network, inputs), weights);
}

function gradientAt(
  network: Network,
  inputs: Matrix,
  activations: Activations,
  weights: Matrix,
): ModuleMatrices {
  const { z1, z2 } = activations;
  const { d1, d2 } = backpropagate(network, activations, weights);
  return {
    W1: multiplyTN(inputs, d1),
    b1: sumColumns(d1),
    W2: multiplyTN(z1, d2),
    b2: sumColumns(d2),
    W3: multiplyTN(z2, weights),
  };
}

export interface WeightedSum {
  readonly value: number;
  readonly gradient: ModuleMatrices;
  /** The derivative with respect to b3: the sum of the weights. */
  readonly b3: number;
}

/**
 * Computes Σ w_k·V(f_k) and its gradient.
 * @param weights n numbers
 */
export function sumOfValues(network: Network, inputs: Matrix, weights: Float64Array): WeightedSum {
  const activations = computeActivations(network, inputs);
  const column = new Matrix(weights.length, 1, weights);
  const v = computeValues(network, activations);
  return {
    value: sum(v.map((x, k) => x * at(weights, k))),
    gradient: gradientAt(network, inputs, activations, column),
    b3: sum(weights),
  };
}

interface Activations {
  /** n×hidden each */
  readonly z1: Matrix;
  readonly z2: Matrix;
}

function computeActivations({ W1, b1, W2, b2 }: Network, inputs: Matrix): Activations {
  const z1 = tanhLayer(inputs, W1, b1);
  return { z1, z2: tanhLayer(z1, W2, b2) };
}

function tanhLayer(inputs: Matrix, weights: Matrix, bias: Matrix): Matrix {
  const out = multiply(inputs, weights);
  for (let j = 0; j < out.cols; j++) {
    const shift = at(bias.data, j);
    const column = out.column(j);
    for (let k = 0; k < column.length; k++) column[k] = at(column, k) + shift;
  }
  tanhInPlace(out.data);
  return out;
}

function computeValues({ W3, b3 }: Network, { z2 }: Activations): Float64Array {
  return multiply(z2, W3).data.map((v) => v + b3);
}

/**
 * Computes the derivatives of Σ w_kj·(output j at input k) with respect to the inputs of the two
 * tanh functions, n×hidden each.
 */
function backpropagate(
  { W2, W3 }: Network,
  { z1, z2 }: Activations,
  weights: Matrix,
): { readonly d1: Matrix; readonly d2: Matrix } {
  const d2 = multiplyNT(weights, W3);
  for (let i = 0; i < d2.data.length; i++) {
    d2.data[i] = at(d2.data, i) * (1 - at(z2.data, i) ** 2);
  }
  const d1 = multiplyNT(d2, W2);
  for (let i = 0; i < d1.data.length; i++) {
    d1.data[i] = at(d1.data, i) * (1 - at(z1.data, i) ** 2);
  }
  return { d1, d2 };
}

function sumColumns(a: Matrix): Matrix {
  const sums = Float64Array.from({ length: a.cols }, (_, j) => sum(a.column(j)));
  return new Matrix(1, a.cols, sums);
}
