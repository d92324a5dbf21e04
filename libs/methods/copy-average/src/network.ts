import { Matrix, item, at } from "@fedclair/linalg";
import { kernelOf, overlapOf, type Activation } from "./kernels.js";

/** The function f(x) = Σ_i out_i·σ(w_i·x) without biases: n neurons on d inputs. */
export interface Network {
  /** d×n: column i is w_i, the incoming weights of neuron i. */
  readonly hidden: Matrix;
  /** n outgoing weights. */
  readonly out: Float64Array;
}

/**
 * Returns the network with the parameters `flat`: the hidden weights neuron by neuron, then the
 * outgoing ones. It is a view, not a copy.
 */
export function networkOf(flat: Float64Array, n: number, d: number): Network {
  return {
    hidden: new Matrix(d, n, flat.subarray(0, n * d)),
    out: flat.subarray(n * d),
  };
}

/** Returns the parameters of a network in the order of `networkOf`. */
export function flatten({ hidden, out }: Network): Float64Array {
  const flat = new Float64Array(hidden.data.length + out.length);
  flat.set(hidden.data);
  flat.set(out, hidden.data.length);
  return flat;
}

/** Creates the network that computes Σ_c share_c·f_c from the neurons of all networks. */
export function combine(networks: readonly Network[], shares: readonly number[]): Network {
  const d = networks[0]?.hidden.rows ?? 0;
  const n = networks.reduce((total, { out }) => total + out.length, 0);
  const hidden = new Matrix(d, n);
  const out = new Float64Array(n);
  let neuron = 0;
  networks.forEach((network, c) => {
    hidden.data.set(network.hidden.data, neuron * d);
    out.set(
      network.out.map((a) => item(shares, c) * a),
      neuron,
    );
    neuron += network.out.length;
  });
  return { hidden, out };
}

/** Computes E[σ(w_i·x)·σ(v_j·x)] for x ~ N(0, I) and the columns of two matrices, n×k. */
export function gram(activation: Activation, w: Matrix, v: Matrix): Matrix {
  const kernel = kernelOf[activation];
  const values = new Matrix(w.cols, v.cols);
  for (let j = 0; j < v.cols; j++) {
    for (let i = 0; i < w.cols; i++) {
      values.data[i + j * w.cols] = kernel.value(overlapOf(w.column(i), v.column(j)));
    }
  }
  return values;
}

/** Computes E[f(x)·g(x)] for x ~ N(0, I). */
export function expectedProduct(activation: Activation, f: Network, g: Network): number {
  const values = gram(activation, f.hidden, g.hidden);
  let total = 0;
  for (let j = 0; j < g.out.length; j++) {
    for (let i = 0; i < f.out.length; i++) {
      total += at(f.out, i) * at(g.out, j) * values.get(i, j);
    }
  }
  return total;
}

/**
 * Computes E[(f(x) − g(x))²] for x ~ N(0, I), without a factor 1/2: the loss of a student f of a
 * teacher g.
 */
export function squaredDistance(activation: Activation, f: Network, g: Network): number {
  const difference = combine([f, g], [1, -1]);
  return expectedProduct(activation, difference, difference);
}

/**
 * Computes E[f(x)·x] for x ~ N(0, I): d numbers. For erf it is the same for all copy-average
 * students of a teacher.
 */
export function linearPart(activation: Activation, { hidden, out }: Network): Float64Array {
  const kernel = kernelOf[activation];
  const total = new Float64Array(hidden.rows);
  for (let i = 0; i < hidden.cols; i++) {
    const w = hidden.column(i);
    const factor = at(out, i) * kernel.linearFactor(w.reduce((sum, x) => sum + x * x, 0));
    w.forEach((x, l) => (total[l] = at(total, l) + factor * x));
  }
  return total;
}
