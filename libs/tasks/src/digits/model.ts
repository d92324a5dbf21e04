import { at32 } from "@fedclair/linalg";
/*
 * A perceptron with ReLU between its layers; with one layer it is multinomial logistic regression. Float32, with loops that
 * leave zeros out: four fifths of a digit are background.
 */

/** Weights of one layer, outputs×(inputs + 1), row-major; the last column is the bias, so that a layer is one matrix. */
export interface Layer {
  readonly outputs: number;
  readonly inputs: number;
  readonly weights: Float32Array;
}

export interface Pass {
  /** n×outputs of the last layer */
  readonly logits: Float32Array;
  /** The gradient of each layer's weights from that of the logits. */
  readonly back: (dLogits: Float32Array) => Float32Array[];
}

/** @param x n×inputs of the first layer */
export function forward(layers: readonly Layer[], x: Float32Array): Pass {
  const read: Float32Array[] = [];
  let y = x;
  for (const [i, layer] of layers.entries()) {
    read.push(i === 0 ? x : y.map((value) => Math.max(0, value)));
    y = affine(layer, read[i] ?? x);
  }
  return {
    logits: y,
    back: (dLogits) => {
      const gradients: Float32Array[] = [];
      let dy = dLogits;
      for (const [i, layer] of [...layers.entries()].reverse()) {
        const input = read[i] ?? x;
        gradients.unshift(weightGradient(layer, input, dy));
        // A unit that is off reads 0, and passes nothing back.
        if (i > 0) dy = inputGradient(layer, dy).map((d, index) => (input[index] === 0 ? 0 : d));
      }
      return gradients;
    },
  };
}

/**
 * Mean cross-entropy in nats a digit, and its gradient.
 * @param logits n×classes
 */
export function crossEntropy(logits: Float32Array, labels: Int32Array) {
  const classes = logits.length / labels.length;
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  labels.forEach((label, s) => {
    const row = logits.subarray(s * classes, (s + 1) * classes);
    const largest = Math.max(...row);
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    loss += largest + Math.log(total) - at32(row, label);
    row.forEach((logit, j) => {
      const p = Math.exp(logit - largest) / total;
      gradient[s * classes + j] = (p - Number(j === label)) / labels.length;
    });
  });
  return { loss: loss / labels.length, gradient };
}

/** How many of the digits have their largest logit at their label. */
export function countRight(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  return labels.filter((label, s) => {
    const row = logits.subarray(s * classes, (s + 1) * classes);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
}

/** [x, 1]·Wᵀ, n×outputs. */
function affine({ outputs, inputs, weights }: Layer, x: Float32Array): Float32Array {
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  const places = new Int32Array(inputs);
  for (let s = 0; s < rows; s++) {
    const count = nonZeros(x, s * inputs, inputs, places);
    for (let j = 0; j < outputs; j++) {
      const row = j * (inputs + 1);
      let sum = at32(weights, row + inputs);
      for (let k = 0; k < count; k++) {
        const i = places[k] ?? 0;
        sum += at32(weights, row + i) * at32(x, s * inputs + i);
      }
      y[s * outputs + j] = sum;
    }
  }
  return y;
}

/** dyᵀ·[x, 1], of the weights' shape. */
function weightGradient({ outputs, inputs, weights }: Layer, x: Float32Array, dy: Float32Array) {
  const gradient = new Float32Array(weights.length);
  const places = new Int32Array(inputs);
  for (let s = 0; s < x.length / inputs; s++) {
    const count = nonZeros(x, s * inputs, inputs, places);
    for (let j = 0; j < outputs; j++) {
      const slope = at32(dy, s * outputs + j);
      if (slope === 0) continue;
      const row = j * (inputs + 1);
      for (let k = 0; k < count; k++) {
        const i = places[k] ?? 0;
        gradient[row + i] = at32(gradient, row + i) + slope * at32(x, s * inputs + i);
      }
      gradient[row + inputs] = at32(gradient, row + inputs) + slope;
    }
  }
  return gradient;
}

/** dy·W without the bias, n×inputs. */
function inputGradient({ outputs, inputs, weights }: Layer, dy: Float32Array): Float32Array {
  const dx = new Float32Array((dy.length / outputs) * inputs);
  for (let s = 0; s < dy.length / outputs; s++) {
    for (let j = 0; j < outputs; j++) {
      const slope = at32(dy, s * outputs + j);
      for (let i = 0; i < inputs; i++) {
        const index = s * inputs + i;
        dx[index] = at32(dx, index) + slope * at32(weights, j * (inputs + 1) + i);
      }
    }
  }
  return dx;
}

/** Writes where a row is not zero to `places`. @returns in how many places */
function nonZeros(x: Float32Array, start: number, length: number, places: Int32Array): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (x[start + i] !== 0) places[count++] = i;
  return count;
}
