import { admitEvaluation, admitUpdate } from "../tensors/admission.js";
import { checkAggregation } from "../contracts/aggregation.js";
import { checkedArtifacts } from "../contracts/artifacts.js";
import { attackRound, type AttackStates } from "./attack-round.js";
import { askClients, type Asked, type Sampled } from "./ask.js";
import type { Answered, Collected } from "./collect.js";
import type { Aggregation } from "../contracts/aggregator.js";
import type { Received } from "../contracts/mod.js";
import type { Job } from "../contracts/pool.js";
import type { Step } from "../contracts/task.js";
import { exitCodes, errorMessage, UserError } from "../words/errors.js";
import { formatForged } from "./forged-format.js";
import { serverHalves, type ModStates, type ModMetrics } from "./server-halves.js";
import { roundRecord, type RoundRecord, type RoundTiming } from "./record.js";
import type { RoundPlan } from "./round-plan.js";
import { gather } from "./gather.js";
import { stopwatch } from "../words/stopwatch.js";
import { expectedShapes, merge, type Merged, type TrialState } from "./trial-state.js";
import type { Update } from "../tensors/update.js";
import { checkStorable } from "../contracts/storable.js";
import { copyParams } from "../tensors/tensor.js";
import { describeValue } from "../words/type-text.js";
import { checkVerdicts } from "../contracts/verdict.js";

/** What happens in a trial, as it happens. */
export type TrialEvent =
  Sampled | Answered | { readonly kind: "aggregated"; readonly round: number } | RoundDone;

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
  const expected = expectedShapes(before);
  const admit: Job["admit"] = (update) => admitUpdate(update, expected);
  const gathered = yield* gather(plan, before, { ...when, kind: "train", admit });
  const { cohort, collected, time, sampleSeconds: sample } = gathered;
  const seen = await attacked(plan, collected, { ...when, admit }, before.attacks);
  const { collected: trained, states: attacks } = seen;
  requireQuorum(trained, plan.trial.limits.quorum, round);
  const { contamination, unknown } = plan;
  const facts = { ...when, gathered, contamination, unknown, before, trained };
  const trainSeconds = clock();

  const { fault, cause } = seen;
  const received = { ...when, cohort, admit, updates: trained.updates };
  const made = fault === undefined ? await step(plan, before, received) : { fault, cause };
  if ("fault" in made) {
    const timing = { sample, train: trainSeconds, aggregate: clock(), evaluate: 0 };
    const record = roundRecord({ ...facts, stopped: made.fault });
    yield { kind: "round", record, timing, artifacts: {}, state: before };
    throw new UserError(`round ${round}: ${made.fault}`, exitCodes.stopped, made.cause);
  }
  const { aggregation, next, merged, metrics, artifacts, mods, told } = made;
  const { kept, ...params } = merged;
  const state: TrialState = {
    ...{ ...params, round, attacks, mods, ask: next.next ?? before.ask },
    task: next.state ?? before.task,
    aggregator: aggregation.state ?? before.aggregator,
    ...(time && { clock: time.clock, pending: time.pending ?? [] }),
  };
  yield { kind: "aggregated", round };
  const aggregateSeconds = clock();

  const evaluated = yield* evaluate(plan, state, when, cohort);
  const record = roundRecord({
    ...{ ...facts, told, evaluated, ...(kept !== undefined && { kept }) },
    verdicts: next.verdicts ?? aggregation.verdicts ?? [],
    metrics,
  });
  const timing = { sample, train: trainSeconds, aggregate: aggregateSeconds, evaluate: clock() };
  yield { kind: "round", record, timing, artifacts, state };
  return state;
}

type When = Pick<Job, "round" | "phase">;

/** What a part of the round could not do, in words: it ends its arm. */
interface Fault {
  readonly fault: string;
  /** What was thrown. */
  readonly cause?: unknown;
}

/** The updates as omniscient attacks leave them, written as all must write; as they came, if one of these fails. */
async function attacked(
  { contamination, mods = [], rng }: RoundPlan,
  honest: Collected,
  when: When & Pick<Job, "admit">,
  states: AttackStates,
): Promise<ReturnType<typeof attackRound> & Partial<Fault>> {
  try {
    const seen = attackRound(honest, when, contamination, states);
    const collected = await formatForged(mods, seen.collected, honest.updates, when, rng);
    return { ...seen, collected };
  } catch (error) {
    return {
      collected: honest,
      states,
      fault: `an attack failed: ${errorMessage(error)}`,
      cause: error,
    };
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
  readonly mods: ModStates;
  readonly told: ModMetrics;
}

/**
 * What mods pass on of the updates, the task's step around the trial's aggregator, and the params that come of it. None of
 * them can end more than its arm.
 */
async function step(
  { task, aggregator, mods = [], clientIds, rng, isExternal }: RoundPlan,
  state: TrialState,
  { admit, ...received }: Omit<Received, "clientIds" | "rng"> & Pick<Job, "admit">,
): Promise<Made | Fault> {
  const { round, phase } = received;
  let updates: readonly Update[] = [];
  let aggregation: Aggregation | undefined;
  const aggregate = async (judged: readonly Update[] = updates): Promise<Aggregation> => {
    if (aggregation) throw new Error("the task asks the aggregator twice in a round");
    aggregation = { change: [] };
    if (judged.length === 0) return aggregation; // an oracle's cohort may hold nobody
    const input = { round, phase, updates: judged, rng: rng.at("aggregate", phase, round) };
    const made: unknown = await aggregator.aggregate(input, state.aggregator);
    checkAggregation(made, clientIds);
    aggregation = made;
    return made;
  };
  try {
    const passed = await serverHalves(mods, { ...received, clientIds, rng }, state.mods, admit);
    ({ updates } = passed);
    const seen = () => ({
      ...{ round, phase, clientIds, params: copyParams(state.params), updates },
      state: state.task,
      ...{ rng: rng.at("reduce", phase, round), fixedRng: rng.at("measure") },
    });
    const next = task.step
      ? checkedStep(await task.step(seen(), aggregate))
      : (await aggregate(), {});
    aggregation ??= { change: [] };
    checkVerdicts(next.verdicts ?? aggregation.verdicts ?? [], clientIds);
    const metrics = { ...aggregation.metrics, ...next.metrics };
    const artifacts = checkedArtifacts(next.artifacts);
    const merged = await merge(state, aggregation, next, isExternal);
    const { states, told } = passed;
    return { next, aggregation, merged, metrics, artifacts, mods: states, told };
  } catch (error) {
    return { fault: errorMessage(error), cause: error };
  }
}

/** @throws UserError for what is no step, or cannot be stored */
function checkedStep(made: unknown): Step {
  if (typeof made !== "object" || made === null)
    throw new UserError(
      `the task's step returned ${describeValue(made)}; expected { params?, metrics?, state?, … }`,
    );
  checkStorable("the task's state", (made as Step).state);
  return made;
}

/** Stragglers do not count: their schedule gave them up. */
function requireQuorum({ updates, failures }: Collected, quorum: number, round: number): void {
  const lost = [...failures].filter(([, { code }]) => code !== "STRAGGLER");
  const asked = updates.length + lost.length;
  const needed = Math.ceil(quorum * asked);
  if (updates.length >= needed) return;
  const reasons = lost.slice(0, 5).map(([id, f]) => `${id}: ${f.code} (${f.message})`);
  if (lost.length > reasons.length) reasons.push(`and ${lost.length - reasons.length} more`);
  throw new UserError(
    `round ${round}: ${updates.length} of ${asked} clients were admitted, ` +
      `limits.quorum = ${quorum} needs ${needed}\n  ${reasons.join("\n  ")}`,
    exitCodes.quorum,
  );
}
