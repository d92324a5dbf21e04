import {
  addScaled,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  subtract,
  tanhInPlace,
  at,
} from "@fedclair/linalg";

/** The frozen weights of y = W₂·tanh((W₁ + D)·x), which all clients know. They learn D. */
export interface FrozenLayers {
  /** hidden×inputs */
  readonly w1: Matrix;
  /** outputs×hidden */
  readonly w2: Matrix;
}

/**
 * Computes the outputs.
 * @param x inputs×n, one sample per column
 * @returns outputs×n
 */
export function predictLayer(base: FrozenLayers, change: Matrix, x: Matrix): Matrix {
  return multiply(base.w2, computeActivations(base, change, x));
}

/** Returns the mean squared difference over samples and outputs. */
export function computeMeanSquare(a: Matrix, b: Matrix): number {
  return subtract(a, b).data.reduce((sum, error) => sum + error ** 2, 0) / a.data.length;
}

/**
 * Computes the mean squared error of an output and its gradient with respect to D.
 * @param x inputs×n
 * @param y outputs×n
 */
export function computeLossAndGradient(base: FrozenLayers, change: Matrix, x: Matrix, y: Matrix) {
  const active = computeActivations(base, change, x);
  const error = subtract(multiply(base.w2, active), y);
  const back = multiplyTN(base.w2, error);
  for (let i = 0; i < back.data.length; i++) {
    back.data[i] = at(back.data, i) * (1 - at(active.data, i) ** 2);
  }
  return {
    loss: error.data.reduce((sum, e) => sum + e ** 2, 0) / y.data.length,
    gradient: multiplyNT(back, x).scale(2 / y.data.length),
  };
}

/** Computes tanh((W₁ + D)·x), hidden×n. */
function computeActivations({ w1 }: FrozenLayers, change: Matrix, x: Matrix): Matrix {
  const weights = w1.copy();
  addScaled(weights, 1, change);
  const out = multiply(weights, x);
  tanhInPlace(out.data);
  return out;
}
