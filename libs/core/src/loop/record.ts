import { sum } from "@fedclair/linalg";
import type { Collected } from "./collect.js";
import type { Contamination } from "../trial/contamination.js";
import type { Evidence, Verdict, VerdictStatus } from "../contracts/aggregator.js";
import type { Failure } from "../words/errors.js";
import type { Origin } from "./initial.js";
import type { ModMetrics } from "./server-halves.js";
import type { Gathered } from "./gather.js";
import type { TrialState } from "./trial-state.js";
import { deltaBytes, type Metrics } from "../tensors/update.js";
import { bounds, jsonBytes } from "../words/text.js";

/** What happened in one round: the same bytes as JSON wherever and however fast the clients ran. */
export interface RoundRecord {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** Of the first round: where the params came from, if a client was asked for them. */
  readonly origin?: Origin;
  /** Simulated seconds since the trial began, at the round's end, where there are `devices`. */
  readonly clock?: number;
  /** The cohort, in order. */
  readonly clients: readonly ClientRecord[];
  /** Of the aggregator and of the task's step; one that is not finite is left out. */
  readonly metrics: Metrics;
  /** Why params were left as they were: new ones would not have been finite. */
  readonly kept?: string;
  /** Why the arm ended here, its params as they were: the aggregator or the task failed. */
  readonly stopped?: string;
  /**
   * Bytes of the tensors that training sent to and got from the clients; measuring is not counted. A client with params of
   * its own is sent what was added to those that it has had.
   */
  readonly bytes: { readonly down: number; readonly up: number };
}

export interface ClientRecord {
  readonly clientId: string;
  /** The attack of a contaminated client, null for a benign one: the truth, unknown to the aggregator. */
  readonly attack: string | null;
  /** Present where nobody knows whether the client is contaminated, as of one that is not simulated; `attack` is then null. */
  readonly truth?: "unknown";
  /** Why it takes no part in the aggregate; null if it does. */
  readonly failure: Failure | null;
  /** Simulated seconds from being asked to the answer, or to going away. */
  readonly seconds?: number;
  /** Rounds that were done while it trained. */
  readonly staleness?: number;
  readonly numExamples?: number;
  /** As the client reports its training. */
  readonly train?: Metrics;
  /** In place of `train`: bytes that it would take as JSON, more than a record has room for. */
  readonly trainLeftOut?: number;
  readonly verdict?: VerdictStatus;
  readonly score?: number | null;
  readonly threshold?: number | null;
  /** Why, where score and threshold do not tell. */
  readonly reason?: string;
  /** What the score rests on, where there is more than one piece. */
  readonly evidence?: readonly Evidence[];
  /** What mods tell of the client, by name of the mod: of `differential-privacy`, its epsilon so far. */
  readonly mods?: Readonly<Record<string, Metrics>>;
  /** The new params on the client's own data. */
  readonly evaluation?: Metrics;
  /** In place of `evaluation`, likewise. */
  readonly evaluationLeftOut?: number;
  /** Why a client that was to measure did not: its absence moves the mean. */
  readonly evaluationFailure?: Failure;
}

/** Seconds a round spent in each stage. */
export interface RoundTiming {
  /** Of `train`: to draw whom it asks. Absent in runs of earlier versions. */
  readonly sample?: number;
  readonly train: number;
  readonly aggregate: number;
  readonly evaluate: number;
}

/** Everything that a round's record is made from. */
export interface RoundFacts extends Pick<RoundRecord, "round" | "phase" | "kept" | "stopped"> {
  readonly gathered: Pick<Gathered, "cohort" | "down" | "time">;
  readonly contamination: Contamination;
  /** Clients of which nobody knows whether they are benign. */
  readonly unknown: ReadonlySet<string> | undefined;
  /** The state that the clients trained from. */
  readonly before: TrialState;
  readonly trained: Collected;
  readonly told?: ModMetrics;
  readonly verdicts?: readonly Verdict[];
  readonly metrics?: Metrics;
  readonly evaluated?: Collected;
}

export function roundRecord(facts: RoundFacts): RoundRecord {
  const { round, phase, contamination, before, trained, evaluated, kept, stopped } = facts;
  const { cohort, down, time } = facts.gathered;
  const updates = new Map(trained.updates.map((update) => [update.clientId, update]));
  const evaluations = new Map(evaluated?.updates.map((update) => [update.clientId, update]));
  const verdicts = new Map(facts.verdicts?.map((verdict) => [verdict.clientId, verdict]));
  const clients = cohort.map((clientId): ClientRecord => {
    const update = updates.get(clientId);
    const verdict = verdicts.get(clientId);
    const evaluation = evaluations.get(clientId);
    const evaluationFailure = evaluated?.failures.get(clientId);
    const staleness = time?.staleness?.get(clientId);
    const mods = facts.told?.get(clientId);
    return {
      clientId,
      attack: contamination.get(clientId)?.name ?? null,
      ...(facts.unknown?.has(clientId) && { truth: "unknown" }),
      failure: trained.failures.get(clientId) ?? null,
      ...(time && { seconds: time.seconds.get(clientId) ?? 0 }),
      ...(staleness !== undefined && { staleness }),
      ...(update && { numExamples: update.numExamples, ...recorded("train", update.metrics) }),
      ...(verdict && {
        verdict: verdict.status,
        score: verdict.score,
        threshold: verdict.threshold,
        ...(verdict.reason !== undefined && { reason: verdict.reason }),
        ...(verdict.evidence && { evidence: verdict.evidence }),
      }),
      ...(mods && { mods }),
      ...(evaluation && recorded("evaluation", evaluation.metrics)),
      ...(evaluationFailure && { evaluationFailure }),
    };
  });
  const up = trained.updates.map(({ delta }) => deltaBytes(delta));
  const metrics = Object.fromEntries(
    Object.entries(facts.metrics ?? {}).filter(([, value]) => Number.isFinite(value)),
  );
  return {
    ...{ round, phase, ...(before.origin && { origin: before.origin }), clients, metrics },
    ...(time && { clock: time.clock }),
    ...(kept !== undefined && { kept }),
    ...(stopped !== undefined && { stopped }),
    bytes: { down, up: sum(up) },
  };
}

/** All of a client's measurements or none: which of them would fit depends on how many digits each has. */
function recorded(key: "train" | "evaluation", metrics: Metrics): Partial<ClientRecord> {
  const bytes = jsonBytes(metrics);
  return bytes <= bounds.recordedMetricsBytes ? { [key]: metrics } : { [`${key}LeftOut`]: bytes };
}
