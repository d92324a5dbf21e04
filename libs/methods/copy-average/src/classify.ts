import { multiplyTN, type Matrix, at, item } from "@fedclair/linalg";
import { copyAveragePoint } from "./copy-average-points.js";
import { isOdd, type Activation } from "./kernels.js";
import { gram, type Network } from "./network.js";

export type Label =
  | "copy-average-optimal"
  | "copy-average"
  | "perturbed-copy"
  | "near-copy-average-optimal"
  | "channel"
  | "degenerate"
  | "neither";

/** Tolerances of the copy-average labels, for a trained student and for an averaged one. */
export const tolerances = { trained: 1e-6, aggregate: 0.05 } as const;

/** The relation of a student to its teacher. */
export interface Classification {
  readonly label: Label;
  /**
   * n×k: the cosine between student neuron i and teacher neuron j. Neurons of an odd
   * activation are first flipped so that a_i > 0.
   */
  readonly overlaps: Matrix;
  /**
   * Participation ratio per neuron, 1 … k: about 1 for a copy, m for an average of m teacher
   * neurons.
   */
  readonly participation: readonly number[];
}

/**
 * Labels the result of training or averaging.
 * @param teacher d×k, orthonormal columns
 * @param tolerance of the copy-average labels: absolute for hidden weights, relative for outgoing
 * weights
 */
export function classify(
  activation: Activation,
  network: Network,
  teacher: Matrix,
  tolerance: number,
): Classification {
  const student = isOdd(activation) ? makeOutgoingPositive(network) : network;
  const overlaps = computeOverlaps(student, teacher);
  const rows = overlaps.toRows();
  const label =
    findDegeneracy(activation, student) ??
    labelCopyAverage(activation, student, rows, teacher, tolerance) ??
    labelCopies(rows) ??
    labelNearCopyAverage(activation, rows) ??
    "neither";
  return { label, overlaps, participation: rows.map(computeParticipationRatio) };
}

/** Makes all outgoing weights positive without changing the function of an odd activation. */
export function makeOutgoingPositive({ hidden, out }: Network): Network {
  const copy = hidden.copy();
  out.forEach((a, i) => {
    if (a >= 0) return;
    const w = copy.column(i);
    w.forEach((x, l) => (w[l] = -x));
  });
  return { hidden: copy, out: out.map(Math.abs) };
}

function computeOverlaps({ hidden }: Network, teacher: Matrix): Matrix {
  const products = multiplyTN(hidden, teacher);
  for (let i = 0; i < hidden.cols; i++) {
    const length = Math.hypot(...hidden.column(i));
    for (let j = 0; j < teacher.cols; j++) {
      products.data[i + j * hidden.cols] = length === 0 ? 0 : products.get(i, j) / length;
    }
  }
  return products;
}

/** Computes (Σ u²)²/Σ u⁴, or 0 for a neuron that is orthogonal to the teacher. */
function computeParticipationRatio(cosines: readonly number[]): number {
  const squares = cosines.map((u) => u * u);
  const fourth = squares.reduce((sum, s) => sum + s * s, 0);
  return fourth === 0 ? 0 : squares.reduce((sum, s) => sum + s, 0) ** 2 / fourth;
}

/** Detects neurons that died, cancel one another, or duplicate one another. */
function findDegeneracy(activation: Activation, { hidden, out }: Network): Label | undefined {
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

/**
 * Lists the teacher neurons that a student neuron follows: those at least half as close as the
 * closest one.
 */
function findGroup(cosines: readonly number[]): number[] {
  const most = Math.max(...cosines);
  return [...cosines.keys()].filter((j) => item(cosines, j) >= most / 2);
}

function labelCopyAverage(
  activation: Activation,
  { hidden, out }: Network,
  rows: readonly (readonly number[])[],
  teacher: Matrix,
  tolerance: number,
): Label | undefined {
  if (activation !== "erf") return undefined;
  const groups = rows.map(findGroup);
  const followed = groups.flat();
  if (followed.length !== teacher.cols || new Set(followed).size !== teacher.cols) return undefined;
  const point = copyAveragePoint(teacher, groups);
  const isNear =
    hidden.data.every((x, i) => Math.abs(x - at(point.hidden.data, i)) <= tolerance) &&
    out.every((a, i) => Math.abs(a / at(point.out, i) - 1) <= tolerance);
  if (!isNear) return undefined;
  const averages = groups.filter(({ length }) => length > 1);
  return averages.length <= 1 ? "copy-average-optimal" : "copy-average";
}

/** Returns a label if every neuron is close to a teacher neuron of its own. */
function labelCopies(rows: readonly (readonly number[])[]): Label | undefined {
  const own = rows.map((cosines) => cosines.indexOf(Math.max(...cosines)));
  const close = rows.every((cosines) => Math.max(...cosines) >= 0.9);
  return close && new Set(own).size === rows.length ? "perturbed-copy" : undefined;
}

/**
 * Returns a label for activations without exact copy-average points if all neurons but one are each
 * close to a different teacher neuron, and the last one follows all the others.
 */
function labelNearCopyAverage(
  activation: Activation,
  rows: readonly (readonly number[])[],
): Label | undefined {
  if (activation === "erf") return undefined;
  const close = rows.filter((cosines) => Math.max(...cosines) >= 0.95);
  const [averaging, ...others] = rows.filter((cosines) => Math.max(...cosines) < 0.95);
  if (averaging === undefined || others.length > 0) return undefined;
  const copied = new Set(close.map((cosines) => cosines.indexOf(Math.max(...cosines))));
  const rest = [...averaging.keys()].filter((j) => !copied.has(j));
  const group = findGroup(averaging);
  const isSame = group.length === rest.length && group.every((j, i) => j === rest[i]);
  return copied.size === close.length && isSame ? "near-copy-average-optimal" : undefined;
}
