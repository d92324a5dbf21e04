import * as tf from "@tensorflow/tfjs-core";

/**
 * A variable under Adam: its value, and the running means of its gradient and of the squared
 * gradient.
 */
// A type, not an interface: this lets tf.tidy and tf.dispose see that it holds only tensors.
export type TensorAdamState<T extends tf.Tensor = tf.Tensor2D> = {
  readonly value: T;
  readonly mean: T;
  readonly square: T;
};

/**
 * Creates the state before the first step.
 * @param value the variable's initial value; the state owns it from here on
 */
export function createAdamState<T extends tf.Tensor>(value: T): TensorAdamState<T> {
  return { value, mean: tf.zerosLike(value), square: tf.zerosLike(value) };
}

const beta1 = 0.9;
const epsilon = 1e-8;

/**
 * Makes one step of Adam (Kingma and Ba 2015, algorithm 1, in the order of operations at the end of
 * its section 2).
 * @param step 1-based
 * @param beta2 decay of the mean of squares; a value below the paper's forgets faster
 * @returns the new state; the caller still has to dispose of the old one
 */
export function stepAdam<T extends tf.Tensor>(
  state: TensorAdamState<T>,
  gradient: T,
  rate: number,
  step: number,
  beta2 = 0.999,
): TensorAdamState<T> {
  const mean = tf.add<T>(tf.mul(state.mean, beta1), tf.mul(gradient, 1 - beta1));
  const square = tf.add<T>(tf.mul(state.square, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const correction = Math.sqrt(1 - beta2 ** step);
  const stepSize = (rate * correction) / (1 - beta1 ** step);
  const change = tf.div(tf.mul(mean, stepSize), tf.add(tf.sqrt(square), epsilon * correction));
  return { value: tf.sub<T>(state.value, change), mean, square };
}
