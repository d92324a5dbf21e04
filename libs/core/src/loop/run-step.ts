import { checkAggregation } from "../contracts/aggregation.js";
import type { Aggregation } from "../contracts/aggregator.js";
import { checkArtifacts } from "../contracts/artifacts.js";
import type { Received } from "../contracts/mod.js";
import { checkStorable } from "../contracts/storable.js";
import type { Round, Step } from "../contracts/task.js";
import { checkVerdicts } from "../contracts/verdict.js";
import { copyParams } from "../tensors/tensor.js";
import type { Metrics, Update } from "../tensors/update.js";
import { describeValue } from "../words/describe-value.js";
import { errorMessage, UserError } from "../words/errors.js";
import { ArmFault } from "./arm-fault.js";
import { measureSpaces } from "./measure-spaces.js";
import type { RoundPlan } from "./round-plan.js";
import { runServerHalves, type ModMetrics, type ModStates } from "./server-mods.js";
import { admitFor, merge, type Merged, type TrialState } from "./trial-state.js";

/** The result of the coordinator's part of a round, before it is merged into the params. */
export interface Stepped {
  readonly aggregation: Aggregation;
  /** The updates that were aggregated. */
  readonly updates: readonly Update[];
  readonly step: Step;
  /** The metrics of the aggregator and of the task's step. */
  readonly metrics: Metrics;
  readonly artifacts: Readonly<Record<string, unknown>>;
  readonly modStates: ModStates;
  readonly modMetrics: ModMetrics;
}

/** The part of the state before a round that the coordinator's plug-ins read. */
type SteppedState = Pick<TrialState, "params" | "ask" | "task" | "aggregator" | "mods">;

/** A round whose updates have arrived. */
export type Arrived = Omit<Received, "clientIds" | "rng">;

/**
 * Runs the server halves of the mods, then the task's step around the arm's aggregator.
 * @throws ArmFault if a plug-in throws or returns something else than its contract says
 */
export async function runStep(
  plan: RoundPlan,
  state: SteppedState,
  arrived: Arrived,
): Promise<Stepped> {
  const { task, clientIds, rng, mods, onCode } = plan;
  try {
    const received = { ...arrived, clientIds, rng };
    const passed = await runServerHalves(mods, received, state.mods, admitFor(state), onCode);
    const { aggregated, aggregate } = aggregateOnce(plan, state, arrived, passed.updates);
    if (task.step) onCode?.(stepOf(plan));
    const step = task.step
      ? checkStep(await task.step(createRound(plan, state, arrived, passed.updates), aggregate))
      : {};
    if (!task.step) await aggregate();
    const { result: aggregation = { change: [] } } = aggregated;
    const judge = step.verdicts ? "the task's step" : `aggregator '${plan.aggregatorName}'`;
    checkVerdicts(judge, step.verdicts ?? aggregation.verdicts ?? [], clientIds);
    return {
      aggregation,
      updates: aggregated.updates,
      step,
      metrics: { ...aggregation.metrics, ...measureSpaces(task, aggregation), ...step.metrics },
      artifacts: checkArtifacts(step.artifacts),
      modStates: passed.states,
      modMetrics: passed.metrics,
    };
  } catch (error) {
    throw new ArmFault(errorMessage(error), error);
  }
}

/** Names the code of the task's step for `onCode`. */
function stepOf({ trial }: RoundPlan): string {
  return `step() of task '${trial.task.name}'`;
}

/** A round that is aggregated in parts at the coordinator. */
export interface OpenStream {
  /** @throws ArmFault if the aggregator throws */
  add(updates: readonly Update[]): Promise<void>;
  /** @throws ArmFault if the aggregator throws or returns something else than its contract says */
  finish(): Promise<Stepped>;
}

/**
 * Begins a round that the aggregator takes in parts. Its result has no updates, because they are
 * not kept.
 * @throws ArmFault if the aggregator throws
 */
export async function openStream(
  { aggregator, aggregatorName: name, clientIds, rng, onCode }: RoundPlan,
  state: Pick<SteppedState, "aggregator" | "mods">,
  { round, phase }: Pick<Arrived, "round" | "phase">,
): Promise<OpenStream> {
  const attempt = async <T>(act: () => T | Promise<T>): Promise<T> => {
    onCode?.(`the stream of aggregator '${name}'`);
    try {
      return await act();
    } catch (error) {
      throw new ArmFault(errorMessage(error), error);
    }
  };
  const input = { round, phase, rng: rng.at("aggregate", phase, round) };
  const stream = await attempt(() => {
    if (!aggregator.stream) throw new Error(`aggregator '${name}' has no stream`);
    return aggregator.stream(input, state.aggregator);
  });
  let count = 0;
  return {
    add: async (updates) => {
      count += updates.length;
      await attempt(() => stream.add(updates));
    },
    finish: () =>
      attempt(async () => {
        const aggregation: unknown = count === 0 ? { change: [] } : await stream.finish();
        checkAggregation(name, aggregation, clientIds);
        checkVerdicts(`aggregator '${name}'`, aggregation.verdicts ?? [], clientIds);
        return {
          aggregation,
          updates: [],
          step: {},
          metrics: aggregation.metrics ?? {},
          artifacts: {},
          modStates: state.mods,
          modMetrics: new Map(),
        };
      }),
  };
}

/**
 * Merges a round into the params.
 * @param personal the changes of personal params, after the clients' choices
 * @throws ArmFault if the result does not fit the params
 */
export async function mergeStep(
  { isExternal, keeperFor }: Pick<RoundPlan, "isExternal" | "keeperFor">,
  state: TrialState,
  { aggregation: { change }, step }: Pick<Stepped, "aggregation" | "step">,
  personal: Aggregation["personal"],
): Promise<Merged> {
  try {
    const changes = { change, ...(personal && { personal }) };
    return await merge(state, changes, step, isExternal, keeperFor);
  } catch (error) {
    throw new ArmFault(errorMessage(error), error);
  }
}

/**
 * Lets a task's step call the arm's aggregator, once per round.
 * @returns the function for the step, and what it has aggregated so far
 */
function aggregateOnce(
  plan: RoundPlan,
  state: SteppedState,
  { round, phase }: Arrived,
  received: readonly Update[],
) {
  const { aggregator, aggregatorName, clientIds, rng, task, onCode } = plan;
  const aggregated: { updates: readonly Update[]; result?: Aggregation } = { updates: [] };
  const aggregate = async (updates = received): Promise<Aggregation> => {
    if (aggregated.result) throw new Error("the task asks the aggregator twice in a round");
    aggregated.result = { change: [] };
    aggregated.updates = updates;
    if (updates.length === 0) return aggregated.result; // the cohort of an oracle may be empty
    const input = { round, phase, updates, rng: rng.at("aggregate", phase, round) };
    onCode?.(`aggregate() of aggregator '${aggregatorName}'`);
    const result: unknown = await aggregator.aggregate(input, state.aggregator);
    if (task.step) onCode?.(stepOf(plan));
    checkAggregation(aggregatorName, result, clientIds);
    aggregated.result = result;
    return result;
  };
  return { aggregated, aggregate };
}

function createRound(
  { clientIds, rng }: RoundPlan,
  state: SteppedState,
  { round, phase }: Arrived,
  updates: readonly Update[],
): Round {
  return {
    round,
    phase,
    clientIds,
    params: copyParams(state.params),
    updates,
    state: state.task,
    rng: rng.at("reduce", phase, round),
    fixedRng: rng.at("measure"),
  };
}

/** Checks the result of a task's step. @throws UserError if it is not a step that can be stored */
function checkStep(step: unknown): Step {
  if (typeof step !== "object" || step === null)
    throw new UserError(
      `the task's step returned ${describeValue(step)}; expected { params?, metrics?, state?, … }`,
    );
  checkStorable("the task's state", (step as Step).state);
  return step;
}
