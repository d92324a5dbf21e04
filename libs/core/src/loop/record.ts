import { sum } from "@fedclair/linalg";
import type { Choices } from "./choose-refinements.js";
import type { Collected } from "./collect.js";
import type { Verdict, VerdictStatus } from "../contracts/aggregator.js";
import type { CandidateKind } from "../contracts/refinements.js";
import type { Failure } from "../words/errors.js";
import type { Origin } from "./ask-for-params.js";
import type { Asking } from "./asked-clients.js";
import type { RoundPlan } from "./round-plan.js";
import type { Stepped } from "./run-step.js";
import type { Merged, TrialState } from "./trial-state.js";
import { deltaBytes, type Metrics, type Update } from "../tensors/update.js";
import { bounds, jsonBytes } from "../words/text.js";

/** The record of one round. Its JSON does not depend on the hosts or the speed of the clients. */
export interface RoundRecord {
  /** The number of the round, starting at 1. */
  readonly round: number;
  readonly phase: string;
  /** The origin of the params, in the first round if a client was asked for them. */
  readonly origin?: Origin;
  /** Simulated seconds since the trial began, at the end of the round; absent without `devices`. */
  readonly clock?: number;
  /** The clients of the cohort, in order. */
  readonly clients: readonly ClientRecord[];
  /** The metrics of the aggregator and of the task's step, without those that are not finite. */
  readonly metrics: Metrics;
  /**
   * The kinds of attackers that the benign clients of this round are cleared of; absent if the
   * aggregator plants none.
   */
  readonly cleared?: readonly string[];
  /** What the aggregator tells about the updates of this round. */
  readonly notice?: string;
  /** Why the round kept the old params: the new ones were not finite. */
  readonly kept?: string;
  /** Why the arm ended in this round, with the params of the round before: a plug-in failed. */
  readonly stopped?: string;
  /**
   * Bytes of the tensors that training sent to and received from the clients, without evaluation. A
   * client with personal params is sent only what was added to them. A client that chooses is sent
   * the mean and its refined change as well.
   */
  readonly bytes: { readonly down: number; readonly up: number };
}

/** The record of a client; the parts of its verdict are absent if the aggregator has none. */
export interface ClientRecord extends Partial<Omit<Verdict, "clientId" | "status">> {
  readonly clientId: string;
  /**
   * The attack of a contaminated client, null for a benign one. This is the truth, which the
   * aggregator does not see.
   */
  readonly attack: string | null;
  /**
   * Present if the truth is unknown, as for external clients; `attack` is then null.
   */
  readonly truth?: "unknown";
  /** The reason why the update was not aggregated; null if it was. */
  readonly failure: Failure | null;
  /** Simulated seconds from the request to the answer, or until the client went away. */
  readonly seconds?: number;
  /** The number of rounds that ended while the client trained. */
  readonly staleness?: number;
  readonly numExamples?: number;
  /** The metrics that the client reports of its training. */
  readonly train?: Metrics;
  /** The size of `train` in bytes as JSON, if it is too large for a record. */
  readonly trainLeftOut?: number;
  readonly verdict?: VerdictStatus;
  /**
   * What the client continues with: its own change, or the refined version with the lowest loss on
   * the data that it held back. Absent if the client had no choice.
   */
  readonly refinement?: CandidateKind;
  /** Why the client could not choose. It then continues with its own change. */
  readonly refinementFailure?: Failure;
  /**
   * The metrics that mods report, by name of the mod. For `differential-privacy` it is the epsilon
   * so far.
   */
  readonly mods?: Readonly<Record<string, Metrics>>;
  /** The metrics of the new params on the client's own data. */
  readonly evaluation?: Metrics;
  /** The size of `evaluation` in bytes as JSON, if it is too large for a record. */
  readonly evaluationLeftOut?: number;
  /** Why the client could not measure the new params. */
  readonly evaluationFailure?: Failure;
}

/** Seconds that a round spent in each stage. */
export interface RoundTiming {
  /** Seconds of `train` that sampling the cohort took. */
  readonly sample: number;
  readonly train: number;
  readonly aggregate: number;
  readonly evaluate: number;
}

/** The part of an update that its record needs. */
export interface UpdateSummary extends Pick<Update, "clientId" | "numExamples" | "metrics"> {
  /** The size of the change in bytes. */
  readonly bytes: number;
}

/** The answers of a round, after attacks. */
export interface Trained extends Pick<Collected, "failures"> {
  readonly updates: readonly UpdateSummary[];
}

/** Drops the changes, which a record does not keep. */
export function summarizeAnswers({ updates, failures }: Collected): Trained {
  const summaries = updates.map(({ clientId, numExamples, metrics, delta }) => {
    return { clientId, numExamples, metrics, bytes: deltaBytes(delta) };
  });
  return { updates: summaries, failures };
}

/** Everything that a round's record is made from. */
interface RoundFacts {
  readonly round: number;
  readonly phase: string;
  readonly plan: Pick<RoundPlan, "contamination" | "unknown">;
  readonly gathered: Pick<Asking, "cohort" | "down" | "time">;
  /** The state that the clients trained from. */
  readonly before: Pick<TrialState, "origin">;
  readonly trained: Trained;
  /** Absent if the arm ended here. */
  readonly stepped?: Pick<Stepped, "aggregation" | "step" | "metrics" | "modMetrics">;
  /** The clients' choices; absent if the arm ended here. */
  readonly chosen?: Choices;
  readonly merged?: Merged;
  readonly evaluated?: Collected;
  readonly stopped?: string;
}

/** Assembles the record of a round. */
export function roundRecord(facts: RoundFacts): RoundRecord {
  const { round, phase, before, gathered, trained, stepped, chosen, merged, stopped } = facts;
  const { down, time } = gathered;
  const { kept } = merged ?? {};
  const { cleared: kinds, notice } = stepped?.aggregation ?? {};
  const cleared = stepped?.step.verdicts ? undefined : kinds;
  const up = trained.updates.map(({ bytes }) => bytes);
  const metrics = Object.entries(stepped?.metrics ?? {}).filter(([, x]) => Number.isFinite(x));
  return {
    round,
    phase,
    ...(before.origin && { origin: before.origin }),
    clients: clientRecords(facts),
    metrics: Object.fromEntries(metrics),
    ...(cleared && { cleared }),
    ...(notice !== undefined && { notice }),
    ...(time && { clock: time.clock }),
    ...(kept !== undefined && { kept }),
    ...(stopped !== undefined && { stopped }),
    bytes: { down: down + (chosen?.down ?? 0), up: sum(up) },
  };
}

function clientRecords(facts: RoundFacts): ClientRecord[] {
  const { plan, gathered, trained, stepped, chosen, evaluated } = facts;
  const { cohort, time } = gathered;
  const updates = new Map(trained.updates.map((update) => [update.clientId, update]));
  const evaluations = new Map(evaluated?.updates.map((update) => [update.clientId, update]));
  const listed = stepped?.step.verdicts ?? stepped?.aggregation.verdicts ?? [];
  const verdicts = new Map(listed.map((verdict) => [verdict.clientId, verdict]));
  return cohort.map((clientId): ClientRecord => {
    const update = updates.get(clientId);
    const verdict = verdicts.get(clientId);
    const evaluation = evaluations.get(clientId);
    const evaluationFailure = evaluated?.failures.get(clientId);
    const staleness = time?.staleness?.get(clientId);
    const refinement = chosen?.kinds.get(clientId);
    const refinementFailure = chosen?.failures.get(clientId);
    const mods = stepped?.modMetrics.get(clientId);
    return {
      clientId,
      attack: plan.contamination.get(clientId)?.name ?? null,
      ...(plan.unknown.has(clientId) && { truth: "unknown" }),
      failure: trained.failures.get(clientId) ?? null,
      ...(time && { seconds: time.seconds.get(clientId) ?? 0 }),
      ...(staleness !== undefined && { staleness }),
      ...(update && { numExamples: update.numExamples, ...recordMetrics("train", update.metrics) }),
      ...(verdict && verdictRecord(verdict)),
      ...(refinement !== undefined && { refinement }),
      ...(refinementFailure && { refinementFailure }),
      ...(mods && { mods }),
      ...(evaluation && recordMetrics("evaluation", evaluation.metrics)),
      ...(evaluationFailure && { evaluationFailure }),
    };
  });
}

function verdictRecord(verdict: Verdict) {
  const { status, pooled, score, threshold, reason, evidence, modules } = verdict;
  return {
    verdict: status,
    pooled,
    score,
    threshold,
    ...(reason !== undefined && { reason }),
    ...(evidence && { evidence }),
    ...(modules && { modules }),
  };
}

/**
 * Keeps all of a client's metrics or none, because which of them fit would depend on their digits.
 */
function recordMetrics(key: "train" | "evaluation", metrics: Metrics): Partial<ClientRecord> {
  const bytes = jsonBytes(metrics);
  return bytes <= bounds.recordedMetricsBytes ? { [key]: metrics } : { [`${key}LeftOut`]: bytes };
}
