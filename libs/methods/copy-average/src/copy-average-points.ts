import { Matrix, at } from "@fedclair/linalg";
import type { Network } from "./network.js";

/*
 * Critical points of an erf student of n neurons. The teacher has k ≥ n orthonormal neurons, all
 * with outgoing weights of 1.
 */

/**
 * Returns L*(m), the remaining loss of one neuron that averages m teacher neurons. It is 0 for m =
 * 1, a copy.
 */
export function averagingLoss(m: number): number {
  return (2 / Math.PI) * ((m * Math.PI) / 6 - m * m * Math.asin(1 / (2 * m)));
}

/**
 * Returns L*(k − n + 1), the loss of the best copy-average point: n − 1 copies and one average of
 * the rest.
 */
export function optimalCopyAverageLoss(n: number, k: number): number {
  return averagingLoss(k - n + 1);
}

/**
 * Returns the point at which neuron i averages the teacher neurons of group i: w_i = Σ_j v_j/√(m(2m
 * − 1)), a_i = m. It is critical only if every teacher neuron is in exactly one group.
 * @param teacher d×k, orthonormal columns
 * @param groups indices of teacher neurons; no group is empty
 */
export function copyAveragePoint(teacher: Matrix, groups: readonly (readonly number[])[]): Network {
  const hidden = new Matrix(teacher.rows, groups.length);
  groups.forEach((group, i) => {
    const w = hidden.column(i);
    const scale = 1 / Math.sqrt(group.length * (2 * group.length - 1));
    for (const j of group) teacher.column(j).forEach((x, l) => (w[l] = at(w, l) + scale * x));
  });
  return { hidden, out: Float64Array.from(groups, ({ length }) => length) };
}

/** Creates groups of the given sizes, in order: sizes 1, 2 give the groups {0}, {1, 2}. */
export function groupsOfSizes(sizes: readonly number[]): number[][] {
  let next = 0;
  return sizes.map((size) => Array.from({ length: size }, () => next++));
}

/** Returns the group sizes of the optimal point: n − 1 copies, then the average of the rest. */
export function optimalSizes(n: number, k: number): number[] {
  return Array.from({ length: n }, (_, i) => (i < n - 1 ? 1 : k - n + 1));
}

/**
 * Computes the best ReLU student of one neuron. Its loss depends only on the product of its
 * outgoing weight and its norm.
 * @returns the product s = 2k·h(1/√k), and the loss L₀ − 2k²·h(1/√k)², where k·h(u) is the overlap
 * of a unit neuron with the teacher
 */
export function oneReluNeuron(k: number): { readonly outTimesNorm: number; readonly loss: number } {
  const u = 1 / Math.sqrt(k);
  const h = (Math.sqrt(1 - u * u) + (Math.PI - Math.acos(u)) * u) / (2 * Math.PI);
  const nullLoss = k / 2 + (k * (k - 1)) / (2 * Math.PI);
  return { outTimesNorm: 2 * k * h, loss: nullLoss - 2 * k * k * h * h };
}
