import type { Matrix } from "@fedclair/linalg";
import { classify, tolerances, type Label } from "./classify.js";
import { optimalCopyAverageLoss } from "./copy-average-points.js";
import type { StudentEvidence } from "./judge.js";
import type { StudentMeasurement } from "./measure.js";
import type { Network } from "./network.js";
import type { Options } from "./options.js";

interface StudentArtifact {
  readonly label: Label;
  /** Cosines to the teacher neurons, one row per student neuron. */
  readonly overlaps: readonly (readonly number[])[];
}

/** Data for drawing the student that the coordinator computed in a round. */
export interface AggregateArtifact extends StudentArtifact {
  readonly loss: number;
  /**
   * The ratio ρ; `safety` is its interpretation. Both are absent in a round with no student left to
   * average.
   */
  readonly ratio?: number;
  readonly safety?: string;
  readonly nextLoss: number;
  readonly nextLabel: string;
  /** Losses for comparison: of the student that is 0, and of the best copy-average point (erf). */
  readonly nullLoss: number;
  readonly optimalLoss?: number;
}

/** Data for drawing a student that a client sent. */
export interface ClientArtifact extends StudentArtifact {
  readonly id: string;
  readonly flagged: boolean;
  readonly evidence: StudentEvidence;
}

/** A client's student with the coordinator's verdict. */
export interface JudgedStudent {
  readonly id: string;
  readonly student: Network;
  readonly flagged: boolean;
  readonly evidence: StudentEvidence;
}

/** Figures show at most this many clients. */
const maximumClients = 24;

export function createAggregateArtifact(
  { activation, n, k }: Options,
  nullLoss: number,
  { metrics, classification, safety, nextLabel }: StudentMeasurement,
): AggregateArtifact {
  const { loss = NaN, ratio, nextLoss = NaN } = metrics;
  return {
    label: classification.label,
    overlaps: round(classification.overlaps),
    loss,
    ...(ratio !== undefined && { ratio }),
    ...(safety && { safety }),
    nextLoss,
    nextLabel,
    nullLoss,
    ...(activation === "erf" && { optimalLoss: optimalCopyAverageLoss(n, k) }),
  };
}

export function createClientsArtifact(
  { activation }: Options,
  teacher: Network,
  clients: readonly JudgedStudent[],
): readonly ClientArtifact[] {
  return clients.slice(0, maximumClients).map(({ id, student, flagged, evidence }) => {
    const own = classify(activation, student, teacher.hidden, tolerances.aggregate);
    return { id, label: own.label, overlaps: round(own.overlaps), flagged, evidence };
  });
}

function round(overlaps: Matrix): number[][] {
  return overlaps.toRows().map((row) => row.map((u) => Math.round(1000 * u) / 1000));
}
