import { median, at, item } from "@fedclair/linalg";
import type { Activation } from "./kernels.js";
import { innerProduct, linearPart, type Network } from "./network.js";

/** What tells a contaminated student from honest ones, whatever subspace it lies in. One entry a student. */
export interface Signals {
  /** |l_c − l|/|l| of the linear parts E[f_c(x)·x], l their median by coordinate. */
  readonly linearDeviation: readonly number[];
  /** The median over the students of E[(f_c(x) − f_c'(x))²]. */
  readonly functionDistance: readonly number[];
}

/** @param students at least one */
export function signalsOf(activation: Activation, students: readonly Network[]): Signals {
  return {
    linearDeviation: linearDeviations(students.map((f) => linearPart(activation, f))),
    functionDistance: functionDistances(activation, students),
  };
}

/**
 * Above it a linear part is contaminated: 0.3, where exact honest students were measured up to 0.035 and contaminated ones
 * from 1.1; or twice the median, since noise on the weights moves all. What it moves them by hardly differs: a length in d
 * dimensions is within 1/√(2d) of itself, and the largest of 15 honest ones was 1.33 medians; students of the negated teacher were
 * at 2.9 medians or more under noise of 0.05.
 */
export function linearLimit({ linearDeviation }: Signals): number {
  return Math.max(0.3, 2 * median(linearDeviation));
}

/**
 * Above it a function is contaminated: five times the median of the distances, but at least a tenth of the null loss, so
 * that an honest student in another minimum is not.
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

/** By the inner products, so that every pair costs one of them. */
function functionDistances(activation: Activation, students: readonly Network[]): number[] {
  const products = students.map((f, c) =>
    students.slice(0, c + 1).map((g) => innerProduct(activation, f, g)),
  );
  const product = (c: number, e: number) => item(item(products, Math.max(c, e)), Math.min(c, e));
  return students.map((_, c) =>
    median(students.map((__, e) => product(c, c) - 2 * product(c, e) + product(e, e))),
  );
}
