import type { ClientRecord } from "@fedclair/core/internal";
import { clientTruth, type ArmRecord } from "@fedclair/runs";
import { computeScalars, listFinite, type ExportedRound } from "./rounds.js";

/** What a run's tables say about one round of an arm. */
export interface RoundRow {
  readonly arm: string;
  readonly round: number;
  readonly phase: string;
  /** Why the round kept the old params. */
  readonly kept: string | undefined;
  /** Why the arm ended in this round. */
  readonly stopped: string | undefined;
  /** Counts, times and means by name, such as `evaluation/accuracy`; see `computeScalars`. */
  readonly metrics: ReadonlyMap<string, number>;
}

/** What a run's tables say about one client in one round of an arm. */
export interface ClientRow extends Pick<RoundRow, "arm" | "round" | "phase"> {
  readonly client: string;
  readonly truth: ReturnType<typeof clientTruth>;
  /** The attack of a contaminated client. */
  readonly attack: string | undefined;
  /** The code of the error that kept the update out of the aggregation. */
  readonly failure: NonNullable<ClientRecord["failure"]>["code"] | undefined;
  readonly evaluationFailure: ClientRow["failure"];
  readonly verdict: ClientRecord["verdict"];
  /** The reason for the verdict. */
  readonly reason: string | undefined;
  readonly score: number | undefined;
  readonly threshold: number | undefined;
  readonly numExamples: number | undefined;
  /** What it measured, by name, such as `train/loss` or `evaluation/accuracy`. */
  readonly metrics: ReadonlyMap<string, number>;
}

/** Creates the row of a round. */
export function createRoundRow(exported: ExportedRound): RoundRow {
  const { arm, round, phase, kept, stopped } = exported.record;
  return { arm, round, phase, kept, stopped, metrics: computeScalars(exported) };
}

/** Creates the rows of a round's clients. */
export function createClientRows({ arm, round, phase, clients }: ArmRecord): ClientRow[] {
  return clients.map((client) => ({
    arm,
    round,
    phase,
    client: client.clientId,
    truth: clientTruth(client),
    attack: client.attack ?? undefined,
    failure: client.failure?.code,
    evaluationFailure: client.evaluationFailure?.code,
    verdict: client.verdict,
    reason: client.reason,
    score: client.score ?? undefined,
    threshold: client.threshold ?? undefined,
    numExamples: client.numExamples,
    metrics: listMetrics(client),
  }));
}

function listMetrics({ train, evaluation, mods = {} }: ClientRecord): Map<string, number> {
  return new Map([
    ...listFinite(train).map(([name, value]) => [`train/${name}`, value] as const),
    ...listFinite(evaluation).map(([name, value]) => [`evaluation/${name}`, value] as const),
    ...Object.entries(mods).flatMap(([mod, metrics]) =>
      listFinite(metrics).map(([name, value]) => [`${mod}/${name}`, value] as const),
    ),
  ]);
}
