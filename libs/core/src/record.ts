import { sum } from "@fedclair/linalg";
import type { Collected } from "./collect.js";
import type { Contamination } from "./contamination.js";
import type { Verdict, VerdictStatus } from "./contracts.js";
import type { Failure } from "./errors.js";
import { payloadBytes, type Params } from "./tensor.js";
import { tensorsOf, type Metrics } from "./update.js";

/** What happened in one round: the same bytes as JSON wherever and however fast the clients ran. */
export interface RoundRecord {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** The cohort, in order. */
  readonly clients: readonly ClientRecord[];
  /** Of the aggregator and of the task's coordinator half; one that is not finite is left out. */
  readonly metrics: Metrics;
  /** Why params were left as they were: new ones would not have been finite. */
  readonly kept?: string;
  /** Why the arm ended here, its params as they were: the aggregator or the task failed. */
  readonly stopped?: string;
  /** Bytes of the tensors that training sent to and got from the clients; measuring is not counted. */
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
  readonly numExamples?: number;
  /** As the client reports its training. */
  readonly train?: Metrics;
  readonly verdict?: VerdictStatus;
  readonly score?: number | null;
  readonly threshold?: number | null;
  /** Why, where score and threshold do not tell. */
  readonly reason?: string;
  /** The new params on the client's own data. */
  readonly evaluation?: Metrics;
  /** Why a client that was to measure did not: its absence moves the mean. */
  readonly evaluationFailure?: Failure;
}

/** Seconds a round spent in each stage. */
export interface RoundTiming {
  readonly train: number;
  readonly aggregate: number;
  readonly evaluate: number;
}

/** One step of `runRounds`. */
export interface Round {
  readonly record: RoundRecord;
  readonly timing: RoundTiming;
  readonly state: TrialState;
  /** What the task's coordinator half showed, by name. */
  readonly artifacts: Readonly<Record<string, unknown>>;
}

/** Where a trial stands after a round. */
export interface TrialState {
  readonly global: Params;
  /** Params of the clients that have their own. */
  readonly personal: ReadonlyMap<string, Params>;
}

/** Everything that a round's record is made from. */
export interface RoundFacts extends Pick<RoundRecord, "round" | "phase" | "metrics"> {
  readonly cohort: readonly string[];
  readonly contamination: Contamination;
  /** The state that the clients trained from. */
  readonly before: TrialState;
  readonly trained: Collected;
  readonly verdicts: readonly Verdict[];
  readonly evaluated: Collected;
}

export function roundRecord(facts: RoundFacts): RoundRecord {
  const { round, phase, cohort, contamination, before, trained, evaluated } = facts;
  const updates = new Map(trained.updates.map((update) => [update.clientId, update]));
  const evaluations = new Map(evaluated.updates.map((update) => [update.clientId, update]));
  const verdicts = new Map(facts.verdicts.map((verdict) => [verdict.clientId, verdict]));
  const clients = cohort.map((clientId): ClientRecord => {
    const update = updates.get(clientId);
    const verdict = verdicts.get(clientId);
    const evaluation = evaluations.get(clientId);
    const evaluationFailure = evaluated.failures.get(clientId);
    return {
      clientId,
      attack: contamination.get(clientId)?.name ?? null,
      failure: trained.failures.get(clientId) ?? null,
      ...(update && { numExamples: update.numExamples, train: update.metrics }),
      ...(verdict && {
        verdict: verdict.status,
        score: verdict.score,
        threshold: verdict.threshold,
        ...(verdict.reason !== undefined && { reason: verdict.reason }),
      }),
      ...(evaluation && { evaluation: evaluation.metrics }),
      ...(evaluationFailure && { evaluationFailure }),
    };
  });
  const paramsOf = (id: string) => before.personal.get(id) ?? before.global;
  const down = cohort.map((id) => payloadBytes(paramsOf(id).values()));
  const up = trained.updates.flatMap(({ delta }) =>
    [...delta.values()].map((module) => payloadBytes(tensorsOf(module))),
  );
  const metrics = Object.fromEntries(
    Object.entries(facts.metrics).filter(([, value]) => Number.isFinite(value)),
  );
  return { round, phase, clients, metrics, bytes: { down: sum(down), up: sum(up) } };
}
