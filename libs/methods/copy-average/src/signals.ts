import { median, at, item } from "@fedclair/linalg";
import type { Activation } from "./kernels.js";
import { expectedProduct, linearPart, type Network } from "./network.js";

/**
 * Signals that separate contaminated students from benign ones in any subspace. One entry per
 * student.
 */
export interface Signals {
  /** |l_c − l|/|l| for the linear parts l_c = E[f_c(x)·x] and their coordinate-wise median l. */
  readonly linearDeviation: readonly number[];
  /** Median over all students c' of E[(f_c(x) − f_c'(x))²]. */
  readonly functionDistance: readonly number[];
}

/**
 * Computes the signals.
 * @param students at least one
 */
export function signalsOf(activation: Activation, students: readonly Network[]): Signals {
  return {
    linearDeviation: linearDeviations(students.map((f) => linearPart(activation, f))),
    functionDistance: functionDistances(activation, students),
  };
}

/**
 * Returns the limit above which a linear part is flagged: 0.3, or twice the median if that is
 * larger.
 *
 * Without noise, benign students were measured up to 0.035 and contaminated ones from 1.1. Noise on
 * the weights moves all of them by nearly the same amount, hence the median. A length in d
 * dimensions varies by about 1/√(2d), and the largest of 15 benign students was at 1.33 medians.
 * With noise of 0.05, students of the negated teacher were at 2.9 medians or more.
 */
export function linearLimit({ linearDeviation }: Signals): number {
  return Math.max(0.3, 2 * median(linearDeviation));
}

/**
 * Returns the limit above which a function is flagged: five times the median of the distances, but
 * at least a tenth of the null loss. The minimum keeps a benign student in another minimum from
 * being flagged.
 * @param nullLoss loss of the student that is 0
 */
export function distanceLimit({ functionDistance }: Signals, nullLoss: number): number {
  return Math.max(5 * median(functionDistance), 0.1 * nullLoss);
}

function linearDeviations(parts: readonly Float64Array[]): number[] {
  const d = parts[0]?.length ?? 0;
  const middle = Float64Array.from({ length: d }, (_, l) => median(parts.map((p) => at(p, l))));
  const length = Math.hypot(...middle);
  return parts.map((part) => Math.hypot(...part.map((x, l) => x - at(middle, l))) / length);
}

/** Computes distances from inner products, so that each pair costs only one. */
function functionDistances(activation: Activation, students: readonly Network[]): number[] {
  const products = students.map((f, c) =>
    students.slice(0, c + 1).map((g) => expectedProduct(activation, f, g)),
  );
  const product = (c: number, e: number) => item(item(products, Math.max(c, e)), Math.min(c, e));
  return students.map((_, c) =>
    median(students.map((__, e) => product(c, c) - 2 * product(c, e) + product(e, e))),
  );
}
