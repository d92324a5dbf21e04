import { Matrix, at } from "@fedclair/linalg";
import { assign } from "./assignment.js";
import { makeOutgoingPositive } from "./classify.js";
import { isOdd, kernelOf, overlapOf, type Activation } from "./kernels.js";
import type { Network } from "./network.js";

/** Students with their neurons in the same order, and their mean. */
interface Matching {
  readonly mean: Network;
  /** For each student, the neuron at each position. */
  readonly assignments: readonly (readonly number[])[];
  readonly students: readonly Network[];
}

/**
 * Averages the weights neuron by neuron without matching: FedAvg.
 * @param students at least one, all of the same size
 */
export function average(students: readonly Network[]): Network {
  const [first, ...others] = students;
  if (first === undefined) throw new RangeError("average: expected at least one student, got none");
  const hidden = first.hidden.copy();
  const out = first.out.slice();
  for (const student of others) {
    student.hidden.data.forEach((x, i) => (hidden.data[i] = at(hidden.data, i) + x));
    student.out.forEach((x, i) => (out[i] = at(out, i) + x));
  }
  return {
    hidden: hidden.scale(1 / students.length),
    out: out.map((x) => x / students.length),
  };
}

/**
 * Puts the neurons of all students into the same order, then averages. Each student is first
 * brought to a canonical form (`canonical`). Neurons are compared as functions, by E[(a·σ(w·x) −
 * a'·σ(w'·x))²], because weights compare badly: |a| is 1 … k and |w| is 0.2 … 1. The first student
 * is the first reference. After that the mean is, until the order settles, for at most ten passes.
 * @param students at least one, all of the same size
 */
export function match(activation: Activation, students: readonly Network[]): Matching {
  const forms = students.map((student) => canonicalise(activation, student));
  let reference = forms[0];
  let matching: Matching | undefined;
  for (let pass = 0; pass < 10 && reference !== undefined; pass++) {
    const target: Network = reference;
    const assignments = forms.map((form) =>
      assign(computeNeuronDistances(activation, target, form)),
    );
    const isSettled = matching && String(assignments) === String(matching.assignments);
    if (isSettled) break;
    const ordered = forms.map((form, c) => reorder(form, assignments[c] ?? []));
    matching = { mean: average(ordered), assignments, students: ordered };
    reference = matching.mean;
  }
  if (matching === undefined)
    throw new RangeError("match: expected at least one student, got none");
  return matching;
}

/**
 * Returns the form in which equal functions have equal neurons: a > 0 for odd activations, |w| = 1
 * for ReLU.
 */
function canonicalise(activation: Activation, network: Network): Network {
  return isOdd(activation) ? makeOutgoingPositive(network) : normaliseIncoming(network);
}

/**
 * Moves the norm of each neuron's incoming weights to the outgoing one, because ReLU is
 * homogeneous.
 */
function normaliseIncoming({ hidden, out }: Network): Network {
  const scaled = { hidden: hidden.copy(), out: out.slice() };
  for (let i = 0; i < out.length; i++) {
    const w = scaled.hidden.column(i);
    const length = Math.hypot(...w);
    if (length === 0) continue; // a dead neuron has no direction
    w.forEach((x, l) => (w[l] = x / length));
    scaled.out[i] = at(out, i) * length;
  }
  return scaled;
}

/**
 * Computes the squared distances between neuron i of one network and neuron j of another as
 * functions, n×n.
 */
function computeNeuronDistances(activation: Activation, one: Network, other: Network): Matrix {
  const kernel = kernelOf[activation];
  const product = (w: Float64Array, v: Float64Array) => kernel.value(overlapOf(w, v));
  const distances = new Matrix(one.out.length, other.out.length);
  for (let j = 0; j < other.out.length; j++) {
    const v = other.hidden.column(j);
    const b = at(other.out, j);
    for (let i = 0; i < one.out.length; i++) {
      const w = one.hidden.column(i);
      const a = at(one.out, i);
      distances.data[i + j * distances.rows] =
        a * a * product(w, w) - 2 * a * b * product(w, v) + b * b * product(v, v);
    }
  }
  return distances;
}

/** @param order the neuron for each position */
function reorder({ hidden, out }: Network, order: readonly number[]): Network {
  const ordered = new Matrix(hidden.rows, hidden.cols);
  order.forEach((neuron, place) => {
    ordered.column(place).set(hidden.column(neuron));
  });
  return { hidden: ordered, out: Float64Array.from(order, (neuron) => at(out, neuron)) };
}
