import { multiplyTN, type Matrix, at, item } from "@fedclair/linalg";
import { copyAveragePoint } from "./copy-average-points.js";
import type { Activation } from "./kernels.js";
import { gram, type Network } from "./network.js";

export type Label =
  | "copy-average-optimal"
  | "copy-average"
  | "perturbed-copy"
  | "near-copy-average-optimal"
  | "channel"
  | "degenerate"
  | "neither";

/** How close to a copy-average point a student must be: one that was trained, and one that was averaged. */
export const tolerances = { trained: 1e-6, aggregate: 0.05 } as const;

/** What a student is to its teacher. */
export interface Classification {
  readonly label: Label;
  /** n×k: the cosine between student neuron i and teacher neuron j; erf neurons turned so that a_i > 0. */
  readonly overlaps: Matrix;
  /** By neuron, 1 … k: about 1 for a copy, m for an average of m teacher neurons. */
  readonly participation: readonly number[];
}

/**
 * Names what training or averaging has made of a student.
 * @param teacher d×k, orthonormal columns
 * @param tolerance of the copy-average labels, on weights and, relatively, on outgoing weights
 */
export function classify(
  activation: Activation,
  network: Network,
  teacher: Matrix,
  tolerance: number,
): Classification {
  const student = activation === "erf" ? turned(network) : network;
  const overlaps = overlapsOf(student, teacher);
  const rows = overlaps.toRows();
  const label =
    degeneracy(activation, student) ??
    copyAverage(activation, student, rows, teacher, tolerance) ??
    copies(rows) ??
    nearCopyAverage(activation, rows) ??
    "neither";
  return { label, overlaps, participation: rows.map(participationRatio) };
}

/** erf is odd: the same function with all outgoing weights positive. */
export function turned({ hidden, out }: Network): Network {
  const copy = hidden.copy();
  out.forEach((a, i) => {
    if (a >= 0) return;
    const w = copy.column(i);
    w.forEach((x, l) => (w[l] = -x));
  });
  return { hidden: copy, out: out.map(Math.abs) };
}

function overlapsOf({ hidden }: Network, teacher: Matrix): Matrix {
  const products = multiplyTN(hidden, teacher);
  for (let i = 0; i < hidden.cols; i++) {
    const length = Math.hypot(...hidden.column(i));
    for (let j = 0; j < teacher.cols; j++) {
      products.data[i + j * hidden.cols] = length === 0 ? 0 : products.get(i, j) / length;
    }
  }
  return products;
}

/** (Σ u²)²/Σ u⁴; 0 for a neuron that sees nothing of the teacher. */
function participationRatio(cosines: readonly number[]): number {
  const squares = cosines.map((u) => u * u);
  const fourth = squares.reduce((sum, s) => sum + s * s, 0);
  return fourth === 0 ? 0 : squares.reduce((sum, s) => sum + s, 0) ** 2 / fourth;
}

/** Neurons that died, cancel one another, or double one another. */
function degeneracy(activation: Activation, { hidden, out }: Network): Label | undefined {
  const values = gram(activation, hidden, hidden);
  const power = Array.from(out, (a, i) => a * a * values.get(i, i));
  if (Math.min(...power) < 1e-6) return "degenerate";
  const cosines = power.flatMap((first, i) =>
    power.slice(0, i).map((second, j) => {
      const product = at(out, i) * at(out, j) * values.get(i, j);
      return product / Math.sqrt(first * second);
    }),
  );
  if (cosines.some((cosine) => cosine < -0.999)) return "channel";
  if (cosines.some((cosine) => cosine > 0.999)) return "degenerate";
  return undefined;
}

/** The teacher neurons that a student neuron follows: at least half as closely as the closest one. */
function groupOf(cosines: readonly number[]): number[] {
  const most = Math.max(...cosines);
  return [...cosines.keys()].filter((j) => item(cosines, j) >= most / 2);
}

function copyAverage(
  activation: Activation,
  { hidden, out }: Network,
  rows: readonly (readonly number[])[],
  teacher: Matrix,
  tolerance: number,
): Label | undefined {
  if (activation !== "erf") return undefined;
  const groups = rows.map(groupOf);
  const covered = groups.flat();
  if (covered.length !== teacher.cols || new Set(covered).size !== teacher.cols) return undefined;
  const point = copyAveragePoint(teacher, groups);
  const near =
    hidden.data.every((x, i) => Math.abs(x - at(point.hidden.data, i)) <= tolerance) &&
    out.every((a, i) => Math.abs(a / at(point.out, i) - 1) <= tolerance);
  if (!near) return undefined;
  const averages = groups.filter(({ length }) => length > 1);
  return averages.length <= 1 ? "copy-average-optimal" : "copy-average";
}

/** Every neuron close to a teacher neuron of its own. */
function copies(rows: readonly (readonly number[])[]): Label | undefined {
  const own = rows.map((cosines) => cosines.indexOf(Math.max(...cosines)));
  const close = rows.every((cosines) => Math.max(...cosines) >= 0.9);
  return close && new Set(own).size === rows.length ? "perturbed-copy" : undefined;
}

/** ReLU: all neurons but one close to a teacher neuron of its own, and that one following all the others. */
function nearCopyAverage(
  activation: Activation,
  rows: readonly (readonly number[])[],
): Label | undefined {
  if (activation !== "relu") return undefined;
  const close = rows.filter((cosines) => Math.max(...cosines) >= 0.95);
  const [averaging, ...others] = rows.filter((cosines) => Math.max(...cosines) < 0.95);
  if (averaging === undefined || others.length > 0) return undefined;
  const taken = new Set(close.map((cosines) => cosines.indexOf(Math.max(...cosines))));
  const rest = [...averaging.keys()].filter((j) => !taken.has(j));
  const group = groupOf(averaging);
  const same = group.length === rest.length && group.every((j, i) => j === rest[i]);
  return taken.size === close.length && same ? "near-copy-average-optimal" : undefined;
}
