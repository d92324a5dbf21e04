import type { Matrix } from "@fedclair/linalg";
import { classify, tolerances, type Label } from "./classify.js";
import { optimalCopyAverageLoss } from "./copy-average-points.js";
import type { Evidence } from "./judge.js";
import type { Measured } from "./measure.js";
import type { Network } from "./network.js";
import type { Options } from "./options.js";

/** What one round leaves to draw. */
export interface RoundExhibit {
  /** The student that is broadcast. */
  readonly student: StudentExhibit & {
    readonly loss: number;
    readonly ratio?: number;
    readonly safety?: string;
    readonly nextLoss: number;
    readonly nextLabel: string;
  };
  /** Those that the clients sent, at most `mostClients`. */
  readonly clients: readonly (StudentExhibit & {
    readonly id: string;
    readonly flagged: boolean;
    readonly evidence: Evidence;
  })[];
  /** Losses to compare with: of the student that is 0, and of the best copy-average point (erf). */
  readonly nullLoss: number;
  readonly optimalLoss?: number;
}

interface StudentExhibit {
  readonly label: Label;
  /** By student neuron, the cosines to the teacher neurons. */
  readonly overlaps: readonly (readonly number[])[];
}

/** A client's student as the coordinator judged it. */
export interface JudgedStudent {
  readonly id: string;
  readonly student: Network;
  readonly flagged: boolean;
  readonly evidence: Evidence;
}

/** Beyond it matrices would be too many to look at. */
const mostClients = 24;

export function exhibitOf(
  { activation, n, k }: Options,
  teacher: Network,
  nullLoss: number,
  { metrics, classification, safety, nextLabel }: Measured,
  clients: readonly JudgedStudent[],
): RoundExhibit {
  const { loss = NaN, ratio, nextLoss = NaN } = metrics;
  return {
    student: {
      label: classification.label,
      overlaps: rounded(classification.overlaps),
      loss,
      ...(ratio !== undefined && { ratio }),
      ...(safety && { safety }),
      nextLoss,
      nextLabel,
    },
    clients: clients.slice(0, mostClients).map(({ id, student, flagged, evidence }) => {
      const own = classify(activation, student, teacher.hidden, tolerances.aggregate);
      return { id, label: own.label, overlaps: rounded(own.overlaps), flagged, evidence };
    }),
    nullLoss,
    ...(activation === "erf" && { optimalLoss: optimalCopyAverageLoss(n, k) }),
  };
}

function rounded(overlaps: Matrix): number[][] {
  return overlaps.toRows().map((row) => row.map((u) => Math.round(1000 * u) / 1000));
}
