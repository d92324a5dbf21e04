import type { Stream } from "@fedclair/linalg";
import { admitEvaluation, admitUpdate, shapesOf } from "./admission.js";
import { sampleCohort } from "./cohort.js";
import { collect, type Collected } from "./collect.js";
import type { Contamination } from "./contamination.js";
import type { Aggregation, Aggregator, ClientPool, Step, Task, Work } from "./contracts.js";
import { exitCodes, UserError } from "./errors.js";
import { attackRound } from "./attack-round.js";
import { addTerms, Products } from "./merge.js";
import { roundRecord, type Round, type TrialState } from "./record.js";
import type { Params } from "./tensor.js";
import type { Trial } from "./trial.js";
import type { Update } from "./update.js";

/** Who takes part in a run and by which rules. */
export interface RoundPlan {
  readonly trial: Pick<Trial, "rounds" | "cohort" | "evaluate" | "limits">;
  /** All clients of the trial. */
  readonly clientIds: readonly string[];
  /** The truth, for records and for choosing who measures; it goes no further. */
  readonly contamination: Contamination;
  /** An oracle that leaves contaminated clients out of every cohort. */
  readonly benignOnly?: boolean;
  readonly pool: ClientPool;
  readonly task: Task;
  readonly aggregator: Aggregator;
  readonly rng: Stream;
  readonly signal: AbortSignal;
}

/**
 * Runs a trial round by round: sample a cohort, let it train, aggregate, merge, measure. The caller drives it and may
 * stop after any round. @throws UserError (exit code 3) when too few clients answer a round
 */
export async function* runRounds(plan: RoundPlan): AsyncGenerator<Round, TrialState> {
  const { trial, task, rng } = plan;
  let state: TrialState = { global: await task.init(rng.at("init")), personal: new Map() };
  let { phase = "train", clients } = task.start?.(plan.clientIds) ?? {};
  for (let round = 1; round <= trial.rounds; round++) {
    const cohort = cohortOf(plan, round, clients);
    const clock = stopwatch();

    const trained = await train(plan, state, { round, phase }, cohort);
    requireQuorum(trained, cohort, trial.limits.quorum, round);
    const trainSeconds = clock();

    const before = state;
    const { aggregate, step } = await reduce(plan, before, { round, phase }, trained.updates);
    state = await merge(before, aggregate, step.global);
    const aggregateSeconds = clock();

    const evaluated = await evaluate(plan, state, { round, phase }, cohort);
    const measured = await task.evaluate?.(state.global, rng.at("measure"));
    const metrics = { ...aggregate.metrics, ...step.metrics, ...measured?.metrics };
    const verdicts = step.verdicts ?? aggregate.verdicts ?? [];
    const record = roundRecord({
      ...{ round, phase, cohort, contamination: plan.contamination },
      ...{ before, trained, verdicts, evaluated, metrics },
    });
    const timing = { train: trainSeconds, aggregate: aggregateSeconds, evaluate: clock() };

    yield { record, timing, state, artifacts: { ...step.artifacts, ...measured?.artifacts } };

    phase = step.phase ?? phase;
    clients = step.clients;
    if (step.done) break;
  }
  return state;
}

type When = Pick<Work, "round" | "phase">;

/** @param chosen by the task, in place of the trial's cohort */
function cohortOf(plan: RoundPlan, round: number, chosen?: readonly string[]): readonly string[] {
  const { clientIds, contamination, trial, rng, benignOnly } = plan;
  const cohort = chosen ?? sampleCohort(clientIds, trial.cohort, rng.at("cohort", round));
  return benignOnly ? cohort.filter((id) => !contamination.has(id)) : cohort;
}

async function train(
  { pool, task, trial, contamination, signal }: RoundPlan,
  { global, personal }: TrialState,
  when: When,
  clientIds: readonly string[],
): Promise<Collected> {
  const expected = task.expects?.(when.phase, global) ?? shapesOf(global);
  const admit: Work["admit"] = (update) => admitUpdate(update, expected);
  const work: Work = { ...when, kind: "train", clientIds, global, personal, admit };
  return attackRound(
    await collect(pool, work, trial.limits.answerSeconds, signal),
    work,
    contamination,
  );
}

/** The trial's aggregator, between the two parts that a task may have in the step. */
async function reduce(
  { task, aggregator, rng }: RoundPlan,
  { global }: TrialState,
  { round, phase }: When,
  updates: readonly Update[],
): Promise<{ aggregate: Aggregation; step: Step }> {
  const state = { round, phase, global, updates, rng: rng.at("reduce", phase, round) };
  const presented = task.present ? (task.present(state) ?? []) : updates;
  const aggregate =
    presented.length === 0
      ? { global: [] } // an oracle's cohort may hold nobody
      : await aggregator.aggregate({
          ...{ round, phase, updates: presented },
          rng: rng.at("aggregate", phase, round),
        });
  return { aggregate, step: (await task.reduce?.(state, aggregate)) ?? {} };
}

/** Only benign clients measure: what a contaminated one would report of its own data means nothing. */
async function evaluate(
  { pool, trial, contamination, signal }: RoundPlan,
  { global, personal }: TrialState,
  when: When,
  cohort: readonly string[],
): Promise<Collected> {
  if (trial.evaluate === "never") return { updates: [], failures: new Map() };
  const clientIds = cohort.filter((id) => !contamination.has(id));
  const work: Work = {
    ...when,
    kind: "evaluate",
    clientIds,
    global,
    personal,
    admit: admitEvaluation,
  };
  return collect(pool, work, trial.limits.answerSeconds, signal);
}

function requireQuorum(
  { updates, failures }: Collected,
  cohort: readonly string[],
  quorum: number,
  round: number,
): void {
  const needed = Math.ceil(quorum * cohort.length);
  if (updates.length >= needed) return;
  const reasons = [...failures].slice(0, 5).map(([id, f]) => `${id}: ${f.code} (${f.message})`);
  throw new UserError(
    `round ${round}: ${updates.length} of ${cohort.length} clients were admitted, ` +
      `limits.quorum = ${quorum} needs ${needed}\n  ${reasons.join("\n  ")}`,
    exitCodes.quorum,
  );
}

/** @param chosen the task's own new global params, in place of the aggregate */
async function merge(
  state: TrialState,
  aggregate: Aggregation,
  chosen?: Params,
): Promise<TrialState> {
  if (chosen) return { ...state, global: chosen };
  const products = new Products();
  const personal = new Map(state.personal);
  for (const [id, terms] of aggregate.personal ?? []) {
    personal.set(id, await addTerms(state.personal.get(id) ?? state.global, terms, products));
  }
  return { global: await addTerms(state.global, aggregate.global, products), personal };
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
