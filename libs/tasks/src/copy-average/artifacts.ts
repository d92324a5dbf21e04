import type { Matrix } from "@fedclair/linalg";
import { classify, tolerances, type Label } from "./classify.js";
import { optimalCopyAverageLoss } from "./copy-average-points.js";
import type { Evidence } from "./judge.js";
import type { Measured } from "./measure.js";
import type { Network } from "./network.js";
import type { Options } from "./options.js";

interface StudentArtifact {
  readonly label: Label;
  /** By student neuron, the cosines to the teacher neurons. */
  readonly overlaps: readonly (readonly number[])[];
}

/** What is drawn of the student that the coordinator made in a round. */
export interface AggregateArtifact extends StudentArtifact {
  readonly loss: number;
  /** ρ and what it means; absent in a round that left no student to average. */
  readonly ratio?: number;
  readonly safety?: string;
  readonly nextLoss: number;
  readonly nextLabel: string;
  /** Losses to compare with: of the student that is 0, and of the best copy-average point (erf). */
  readonly nullLoss: number;
  readonly optimalLoss?: number;
}

/** What is drawn of a student that a client sent. */
export interface ClientArtifact extends StudentArtifact {
  readonly id: string;
  readonly flagged: boolean;
  readonly evidence: Evidence;
}

/** A client's student as the coordinator judged it. */
export interface JudgedStudent {
  readonly id: string;
  readonly student: Network;
  readonly flagged: boolean;
  readonly evidence: Evidence;
}

/** Beyond it matrices are too many to look at. */
const mostClients = 24;

export function aggregateArtifact(
  { activation, n, k }: Options,
  nullLoss: number,
  { metrics, classification, safety, nextLabel }: Measured,
): AggregateArtifact {
  const { loss = NaN, ratio, nextLoss = NaN } = metrics;
  return {
    label: classification.label,
    overlaps: rounded(classification.overlaps),
    loss,
    ...(ratio !== undefined && { ratio }),
    ...(safety && { safety }),
    nextLoss,
    nextLabel,
    nullLoss,
    ...(activation === "erf" && { optimalLoss: optimalCopyAverageLoss(n, k) }),
  };
}

export function clientsArtifact(
  { activation }: Options,
  teacher: Network,
  clients: readonly JudgedStudent[],
): readonly ClientArtifact[] {
  return clients.slice(0, mostClients).map(({ id, student, flagged, evidence }) => {
    const own = classify(activation, student, teacher.hidden, tolerances.aggregate);
    return { id, label: own.label, overlaps: rounded(own.overlaps), flagged, evidence };
  });
}

function rounded(overlaps: Matrix): number[][] {
  return overlaps.toRows().map((row) => row.map((u) => Math.round(1000 * u) / 1000));
}
