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

/** The frozen weights of y = W₂·tanh((W₁ + D)·x), which all clients know; D is what they learn. */
export interface Base {
  /** hidden×inputs */
  readonly w1: Matrix;
  /** outputs×hidden */
  readonly w2: Matrix;
}

/** @param x inputs×n, a sample a column @returns outputs×n */
export function predict(base: Base, change: Matrix, x: Matrix): Matrix {
  return multiply(base.w2, activations(base, change, x));
}

/** Mean over samples and outputs of the squared difference. */
export function meanSquare(a: Matrix, b: Matrix): number {
  return subtract(a, b).data.reduce((sum, error) => sum + error ** 2, 0) / a.data.length;
}

/**
 * The mean squared error of an output and its gradient by D.
 * @param x inputs×n @param y outputs×n
 */
export function lossAndGradient(base: Base, change: Matrix, x: Matrix, y: Matrix) {
  const active = activations(base, change, x);
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

/** tanh((W₁ + D)·x), hidden×n. */
function activations({ w1 }: Base, change: Matrix, x: Matrix): Matrix {
  const weights = w1.copy();
  addScaled(weights, 1, change);
  const out = multiply(weights, x);
  tanhInPlace(out.data);
  return out;
}
