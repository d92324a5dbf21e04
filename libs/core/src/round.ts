import type { Stream } from "@fedclair/linalg";
import { admitEvaluation, admitUpdate } from "./admission.js";
import { checkAggregation } from "./aggregation.js";
import { checkedArtifacts } from "./artifacts.js";
import { attackRound } from "./attack-round.js";
import { askClients, type Asked } from "./ask.js";
import type { Answered, Collected } from "./collect.js";
import type { Contamination } from "./contamination.js";
import type { Aggregation, Aggregator, ClientPool, Job, Step, Task } from "./contracts.js";
import { exitCodes, messageOf, UserError } from "./errors.js";
import { roundRecord, type RoundRecord, type RoundTiming } from "./record.js";
import type { Devices } from "./schedule/devices.js";
import { gather } from "./schedule/gather.js";
import { expectedOf, merge, type Merged, type TrialState } from "./trial-state.js";
import type { Trial } from "./trial.js";
import type { Update } from "./update.js";
import { checkVerdicts } from "./verdict.js";

/** Who takes part in a run and by which rules. */
export interface RoundPlan {
  readonly trial: Pick<Trial, "rounds" | "cohort" | "evaluate" | "limits" | "schedule">;
  /** All clients of the trial. */
  readonly clientIds: readonly string[];
  /** The truth, for records and for choosing who measures; it goes no further. */
  readonly contamination: Contamination;
  /** Are the clients not simulated? See `TaskPlugin.isForeign`. */
  readonly isForeign?: boolean;
  /** Does nobody know whether the other clients are? As of clients that are not simulated. */
  readonly isTruthUnknown?: boolean;
  /** Simulated time. Default: rounds take none. */
  readonly devices?: Devices | undefined;
  /** An oracle that leaves contaminated clients out of every cohort. */
  readonly benignOnly?: boolean;
  readonly pool: ClientPool;
  /** Prepared. */
  readonly task: Task;
  readonly aggregator: Aggregator;
  readonly rng: Stream;
  readonly signal: AbortSignal;
}

/** What happens in a trial, as it happens. */
export type TrialEvent =
  | { readonly kind: "sampled"; readonly round: number; readonly cohort: readonly string[] }
  | Answered
  | { readonly kind: "aggregated"; readonly round: number }
  | RoundDone;

/** The last event of a round. */
export interface RoundDone {
  readonly kind: "round";
  readonly record: RoundRecord;
  readonly timing: RoundTiming;
  /** Of the task's step, by name. */
  readonly artifacts: Readonly<Record<string, unknown>>;
  /** From which the trial can go on. */
  readonly state: TrialState;
}

/**
 * Runs a trial round by round: sample a cohort, let it train, aggregate, merge, measure. The caller drives it, and may
 * stop after any round and go on later from its state.
 * @param from `startTrial`'s, or that of an earlier round
 * @throws UserError when too few clients answer a round (exit code 3), or when the aggregator or the task fails (exit code
 * 6, after a record that says so): the state is then that of the round before
 */
export async function* runRounds(
  plan: RoundPlan,
  from: TrialState,
): AsyncGenerator<TrialEvent, TrialState> {
  let state = from;
  while (state.ask !== "end" && state.round < plan.trial.rounds) {
    state = yield* runRound(plan, state, state.ask.phase);
  }
  return state;
}

async function* runRound(
  plan: RoundPlan,
  before: TrialState,
  phase: string,
): AsyncGenerator<TrialEvent, TrialState> {
  const round = before.round + 1;
  const when = { round, phase };
  const clock = stopwatch();
  const expected = expectedOf(before);
  const admit: Job["admit"] = (update) => admitUpdate(update, expected);
  const gathered = yield* gather(plan, before, { ...when, kind: "train", admit });
  const { cohort, collected, time } = gathered;
  const seen = attacked(collected, { ...when, admit }, plan.contamination, before.attacks);
  const { collected: trained, states: attacks } = seen;
  requireQuorum(trained, plan.trial.limits.quorum, round);
  const { contamination, isTruthUnknown = false } = plan;
  const facts = { ...when, gathered, contamination, isTruthUnknown, before, trained };
  const trainSeconds = clock();

  const { fault } = seen;
  const made = fault === undefined ? await step(plan, before, when, trained.updates) : { fault };
  if ("fault" in made) {
    const timing = { train: trainSeconds, aggregate: clock(), evaluate: 0 };
    const record = roundRecord({ ...facts, stopped: made.fault });
    yield { kind: "round", record, timing, artifacts: {}, state: before };
    throw new UserError(`round ${round}: ${made.fault}`, exitCodes.stopped);
  }
  const { aggregation, next, merged, metrics, artifacts } = made;
  const { kept, ...params } = merged;
  const state: TrialState = {
    ...{ ...params, round, attacks, ask: next.next ?? before.ask },
    task: next.state ?? before.task,
    aggregator: aggregation.state ?? before.aggregator,
    ...(time && { clock: time.clock, pending: time.pending ?? [] }),
  };
  yield { kind: "aggregated", round };
  const aggregateSeconds = clock();

  const evaluated = yield* evaluate(plan, state, when, cohort);
  const record = roundRecord({
    ...{ ...facts, evaluated, ...(kept !== undefined && { kept }) },
    verdicts: next.verdicts ?? aggregation.verdicts ?? [],
    metrics,
  });
  const timing = { train: trainSeconds, aggregate: aggregateSeconds, evaluate: clock() };
  yield { kind: "round", record, timing, artifacts, state };
  return state;
}

type When = Pick<Job, "round" | "phase">;

/** What a part of the round could not do, in words: it ends its arm. */
interface Fault {
  readonly fault: string;
}

/** The updates as omniscient attacks leave them; as they came, if one of these fails. */
function attacked(
  ...[collected, when, contamination, states]: Parameters<typeof attackRound>
): ReturnType<typeof attackRound> & Partial<Fault> {
  try {
    return attackRound(collected, when, contamination, states);
  } catch (error) {
    return { collected, states, fault: `an attack failed: ${messageOf(error)}` };
  }
}

/** Only benign clients measure: what a contaminated one would report of its own data means nothing. */
async function* evaluate(
  plan: RoundPlan,
  state: TrialState,
  when: When,
  cohort: readonly string[],
): AsyncGenerator<TrialEvent, Collected> {
  if (plan.trial.evaluate === "never") return { updates: [], failures: new Map() };
  const benign = cohort.filter((id) => !plan.contamination.has(id));
  const asked: Asked = { ...when, kind: "evaluate", admit: admitEvaluation };
  return yield* askClients(plan, state, asked, benign);
}

interface Made extends Required<Pick<Step, "metrics" | "artifacts">> {
  readonly aggregation: Aggregation;
  readonly next: Step;
  readonly merged: Merged;
}

/** The task's step around the trial's aggregator, and the params that come of it. Neither can end more than its arm. */
async function step(
  { task, aggregator, clientIds, rng, isForeign }: RoundPlan,
  state: TrialState,
  { round, phase }: When,
  updates: readonly Update[],
): Promise<Made | Fault> {
  let aggregation: Aggregation | undefined;
  const aggregate = async (judged: readonly Update[] = updates): Promise<Aggregation> => {
    if (aggregation) throw new Error("the task asks the aggregator twice in a round");
    aggregation = { change: [] };
    if (judged.length === 0) return aggregation; // an oracle's cohort may hold nobody
    const input = { round, phase, updates: judged, rng: rng.at("aggregate", phase, round) };
    const made: unknown = await aggregator.aggregate(input, state.aggregator);
    checkAggregation(made);
    aggregation = made;
    return made;
  };
  const seen = {
    ...{ round, phase, clientIds, params: state.params, updates, state: state.task },
    ...{ rng: rng.at("reduce", phase, round), fixedRng: rng.at("measure") },
  };
  try {
    const next = task.step ? await task.step(seen, aggregate) : (await aggregate(), {});
    aggregation ??= { change: [] };
    checkVerdicts(next.verdicts ?? aggregation.verdicts ?? [], clientIds);
    const metrics = { ...aggregation.metrics, ...next.metrics };
    const artifacts = checkedArtifacts(next.artifacts);
    const merged = await merge(state, aggregation, next, isForeign);
    return { next, aggregation, merged, metrics, artifacts };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/** Stragglers do not count: their schedule gave them up. */
function requireQuorum({ updates, failures }: Collected, quorum: number, round: number): void {
  const lost = [...failures].filter(([, { code }]) => code !== "STRAGGLER");
  const asked = updates.length + lost.length;
  const needed = Math.ceil(quorum * asked);
  if (updates.length >= needed) return;
  const reasons = lost.slice(0, 5).map(([id, f]) => `${id}: ${f.code} (${f.message})`);
  throw new UserError(
    `round ${round}: ${updates.length} of ${asked} clients were admitted, ` +
      `limits.quorum = ${quorum} needs ${needed}\n  ${reasons.join("\n  ")}`,
    exitCodes.quorum,
  );
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}
