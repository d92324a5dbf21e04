import type { Derivation } from "../contracts/pool.js";
import { admitEvaluation } from "../tensors/admission.js";
import { exitCodes, UserError } from "../words/errors.js";
import { stopwatch } from "../words/stopwatch.js";
import { ArmFault } from "./arm-fault.js";
import { closeCohort } from "./close-cohort.js";
import { askClients, type Asked, type Sampled } from "./ask-clients.js";
import { chooseRefinements } from "./choose-refinements.js";
import type { Answered, Collected } from "./collect.js";
import { gather } from "./gather.js";
import { nextState } from "./next-state.js";
import { startPersonal, storeOwn } from "./own-params.js";
import { requireQuorum } from "./quorum.js";
import { roundRecord, summarizeAnswers, type RoundRecord, type RoundTiming } from "./record.js";
import type { RoundPlan } from "./round-plan.js";
import { mergeStep } from "./run-step.js";
import { serverCode, type ServerCode } from "./server-plugins.js";
import { admitFor, type TrialState } from "./trial-state.js";

/** An event of a trial, yielded when it happens. */
export type TrialEvent =
  | Sampled
  | Answered
  | { readonly kind: "aggregated"; readonly round: number }
  | RoundDone;

/** The last event of a round. */
export interface RoundDone {
  readonly kind: "round";
  readonly record: RoundRecord;
  readonly timing: RoundTiming;
  /** The artifacts of the task's step, by name. */
  readonly artifacts: Readonly<Record<string, unknown>>;
  /** The state from which the trial can resume. */
  readonly state: TrialState;
}

/**
 * Runs a trial round by round: sample, train, attack, aggregate, choose, merge, measure. The
 * caller drives the generator. It may stop after any round, and resume later from that round's
 * state.
 * @param state the state of `startTrial`, or of an earlier round. It is kept for one round only.
 * @param server runs plug-ins at the coordinator; default: they run in this thread
 * @throws UserError if too few clients answer a round (exit code 3), or if a plug-in fails (exit
 * code 6). A failed plug-in first yields a record with `stopped` and the state of the round before.
 */
export async function* runRounds(
  plan: RoundPlan,
  state: TrialState,
  server: ServerCode = serverCode,
): AsyncGenerator<TrialEvent, TrialState> {
  let derivation: Derivation | undefined;
  if (plan.method && state.round === 0 && !state.own)
    state = startPersonal(plan.method, state, plan.rng);
  while (state.ask !== "end" && state.round < plan.trial.rounds) {
    [state, derivation] = yield* runRound(plan, state, state.ask.phase, derivation, server);
  }
  return state;
}

/** The state after a round, and how its shared params follow from those before. */
type Rounded = [state: TrialState, derivation?: Derivation | undefined];

async function* runRound(
  plan: RoundPlan,
  before: TrialState,
  phase: string,
  derivation: Derivation | undefined,
  server: ServerCode,
): AsyncGenerator<TrialEvent, Rounded> {
  const round = before.round + 1;
  const when = { round, phase };
  const watch = stopwatch();
  const timing = { sample: 0, train: 0, aggregate: 0, evaluate: 0 };
  const admit = admitFor(before);

  const asked = { ...when, kind: "train", admit, derivation } as const;
  const gathered = yield* gather(plan, before, asked, server);
  timing.sample = gathered.sampleSeconds;
  const facts = { ...when, gathered, before, plan };
  /** What the round is doing, in case it fails. */
  let stage: keyof RoundTiming = "train";
  let trained = gathered.closed ? gathered.closed.trained : summarizeAnswers(gathered.collected);
  try {
    const closed = gathered.closed
      ? gathered.closed
      : await closeCohort(plan, before, gathered, when, server);
    ({ trained } = closed);
    requireQuorum(trained, plan.trial.limits.quorum, round);
    timing.train = watch();
    stage = "aggregate";

    const stepped = await closed.aggregate();
    const chosen = yield* chooseRefinements(plan, before, when, stepped);
    const merged = await mergeStep(plan, before, stepped, chosen.personal);
    const personal = gathered.closed
      ? merged.personal
      : await storeOwn(merged.personal, gathered.collected, plan.keeperFor);
    const state = nextState(before, gathered, closed, stepped, { ...merged, personal });
    yield { kind: "aggregated", round };
    timing.aggregate = watch();
    stage = "evaluate";

    const evaluated = yield* evaluate(
      plan,
      state,
      { ...when, derivation: merged.derivation },
      gathered.cohort,
    );
    timing.evaluate = watch();
    const record = roundRecord({ ...facts, trained, stepped, chosen, merged, evaluated });
    yield { kind: "round", record, timing, artifacts: stepped.artifacts, state };
    return [state, merged.derivation];
  } catch (error) {
    if (!(error instanceof ArmFault)) throw error;
    const record = roundRecord({ ...facts, trained, stopped: error.message });
    timing[stage] = watch();
    yield { kind: "round", record, timing, artifacts: {}, state: before };
    throw new UserError(`round ${round}: ${error.message}`, exitCodes.stopped, error.cause);
  }
}

/**
 * Asks the benign clients to measure the new params. Contaminated clients are left out, because
 * their metrics are meaningless.
 */
async function* evaluate(
  plan: RoundPlan,
  state: TrialState,
  when: Pick<Asked, "round" | "phase" | "derivation">,
  cohort: readonly string[],
): AsyncGenerator<TrialEvent, Collected> {
  if (plan.trial.evaluate === "never") return { updates: [], failures: new Map() };
  const benign = cohort.filter((id) => !plan.contamination.has(id));
  const asked = { ...when, kind: "evaluate", admit: admitEvaluation } as const;
  return yield* askClients(plan, state, asked, benign);
}
