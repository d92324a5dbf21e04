import type { Metrics } from "@fedclair/core";
import { median, sum } from "@fedclair/linalg";
import { classify, tolerances, type Classification, type Label } from "./classify.js";
import { safetyOf, type Safety } from "./judge.js";
import type { Activation } from "./kernels.js";
import { squaredDistance, type Network } from "./network.js";
import { convergedSlope, train } from "./train.js";

/** What the coordinator finds of the student that it broadcasts. */
export interface Measured {
  readonly metrics: Metrics;
  readonly classification: Classification;
  /** Absent in a round that left no student to compare with. */
  readonly safety?: Safety;
  /** Of the student after one more training. */
  readonly nextLabel: Label | "unconverged";
}

/**
 * Measures on the true teacher and N(0, I): `loss`; `ratio`, that over the median loss of the students it was made of (the
 * median, since the naive arms hold contaminated ones too); `copies`, neurons that follow one teacher neuron;
 * `copyAverage`, 1 if the label says so, else 0; `nextLoss`, after one more training from here.
 * @param parts the students it was made of
 */
export async function measureStudent(
  activation: Activation,
  teacher: Network,
  student: Network,
  parts: readonly Network[],
): Promise<Measured> {
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
    safety: safetyOf(ratio),
    nextLabel,
  };
}

/** `refinement`: the mean loss of students as the aggregator refined them, over that of the same students as sent. */
export function refinement(
  activation: Activation,
  teacher: Network,
  sent: readonly Network[],
  refined: readonly Network[],
): Metrics {
  const total = (students: readonly Network[]) =>
    sum(students.map((student) => squaredDistance(activation, student, teacher)));
  return sent.length === 0 ? {} : { refinement: total(refined) / total(sent) };
}
