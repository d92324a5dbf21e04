import type { Metrics } from "@fedclair/core";
import { median, sum } from "@fedclair/linalg";
import { classify, tolerances, type Classification, type Label } from "./classify.js";
import { classifySafety, type Safety } from "./judge.js";
import type { Activation } from "./kernels.js";
import { squaredDistance, type Network } from "./network.js";
import { convergedSlope, train } from "./train.js";

/** Measurements of the student that the coordinator broadcasts. */
export interface StudentMeasurement {
  readonly metrics: Metrics;
  readonly classification: Classification;
  /** Absent in a round with no student left for comparison. */
  readonly safety?: Safety;
  /** Label of the student after one more training. */
  readonly nextLabel: Label | "unconverged";
}

/**
 * Measures a student against the true teacher on N(0, I):
 * - `loss`: squared distance from the teacher;
 * - `ratio`: `loss` over the median loss of the averaged students (the median, because baselines
 *   also average contaminated ones);
 * - `copies`: neurons that follow one teacher neuron;
 * - `copyAverage`: 1 if the label is a copy-average one, else 0;
 * - `nextLoss`: loss after one more training from here.
 * @param parts the averaged students
 */
export async function measureStudent(
  activation: Activation,
  teacher: Network,
  student: Network,
  parts: readonly Network[],
): Promise<StudentMeasurement> {
  const loss = squaredDistance(activation, student, teacher);
  const classification = classify(activation, student, teacher.hidden, tolerances.aggregate);
  const next = await train({ activation, teacher }, student);
  const after = classify(activation, next.student, teacher.hidden, tolerances.trained);
  const metrics = {
    loss,
    copies: classification.participation.filter((ratio) => ratio < 1.5).length,
    copyAverage: /copy-average/.test(classification.label) ? 1 : 0,
    nextLoss: next.loss,
  };
  const nextLabel = next.slope <= convergedSlope ? after.label : "unconverged";
  if (parts.length === 0) return { metrics, classification, nextLabel };
  const ratio = loss / median(parts.map((part) => squaredDistance(activation, part, teacher)));
  return {
    metrics: { ...metrics, ratio },
    classification,
    safety: classifySafety(ratio),
    nextLabel,
  };
}

/**
 * Computes `refinement`: the mean loss of students as the aggregator refined them, over the mean
 * loss of the same students as sent.
 */
export function measureRefinement(
  activation: Activation,
  teacher: Network,
  sent: readonly Network[],
  refined: readonly Network[],
): Metrics {
  const total = (students: readonly Network[]) =>
    sum(students.map((student) => squaredDistance(activation, student, teacher)));
  return sent.length === 0 ? {} : { refinement: total(refined) / total(sent) };
}

/**
 * Measures where training ended: the shares of students at a copy-average point (for ReLU and sine,
 * near one) and at a perturbed copy, and the mean loss of each kind, if there are any.
 */
export function measureEndPoints(
  activation: Activation,
  teacher: Network,
  students: readonly Network[],
): Metrics {
  if (students.length === 0) return {};
  const losses: Record<"averaging" | "copying", number[]> = { averaging: [], copying: [] };
  for (const student of students) {
    const { label } = classify(activation, student, teacher.hidden, tolerances.trained);
    const loss = squaredDistance(activation, student, teacher);
    if (/copy-average/.test(label)) losses.averaging.push(loss);
    else if (label === "perturbed-copy") losses.copying.push(loss);
  }
  const { averaging, copying } = losses;
  return {
    averagingShare: averaging.length / students.length,
    copyingShare: copying.length / students.length,
    ...(averaging.length > 0 && { averagingLoss: sum(averaging) / averaging.length }),
    ...(copying.length > 0 && { copyingLoss: sum(copying) / copying.length }),
  };
}
