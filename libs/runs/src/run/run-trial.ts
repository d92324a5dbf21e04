import { errorLocation } from "@fedclair/core/errors";
import { UserError } from "@fedclair/core";
import {
  HungClientPool,
  listArms,
  loadParams,
  askForParams,
  cohortSize,
  exitCodes,
  planRounds,
  runRounds,
  startTrial,
  surveyClients,
  windowSize,
  type Arm,
  type ClientPool,
  type Hangs,
  type KeeperFor,
  type PreparedTrial,
  type Trial,
  type TrialEvent,
  type TrialState,
  type WatchedServer,
} from "@fedclair/core/internal";
import type { Position, StartState } from "../store/checkpoint.js";
import { SharedRoundPool } from "./shared-round-pool.js";

/** An event in one of a trial's arms. */
export interface ArmEvent {
  readonly arm: Arm;
  readonly event: TrialEvent | Stopped;
}

/** An event with what a checkpoint after it needs to know. */
export interface ArmProgress extends ArmEvent {
  /** The hangs of the arm's clients so far. */
  readonly hangs: ReadonlyMap<string, Hangs>;
}

/** The arm could not go on: too few clients answered, or one of its plug-ins failed. */
export interface Stopped {
  readonly kind: "stopped";
  readonly reason: string;
  /**
   * The location in a plug-in's code that threw, like ` (file:///…/rule.js:3:5)`; for people only.
   */
  readonly where: string;
}

/** What the coordinator's part of a trial runs with. */
interface Coordination {
  /** Runs plug-ins at the coordinator. Default: they run in this thread. */
  readonly server?: WatchedServer | undefined;
  /** Returns where params of single clients stay between rounds. Default: in memory. */
  readonly keeperFor?: KeeperFor | undefined;
}

/**
 * Runs the arms of a trial on a pool that is ready: first the main arm, then the baselines. All
 * arms are paired: they share the seed, cohorts, data and initialisation. If an arm cannot go on,
 * the others still run.
 * @param from the position at which to resume
 * @throws UserError if the main arm misses its quorum
 * @throws the signal's reason if it aborts
 */
export async function* runTrial(
  prepared: PreparedTrial,
  pool: ClientPool,
  signal: AbortSignal,
  from: Position = { arm: 0 },
  { server, keeperFor }: Coordination = {},
): AsyncGenerator<ArmProgress> {
  const { arms, trial } = prepared;
  const task = await prepared.loadTask();
  const start = from.start ?? (await startArms(prepared, pool, signal, server));
  // A resumed trial no longer has the first arm's answers. The other arms ask again and get the
  // same ones.
  const isFresh = from.arm === 0 && from.state === undefined;
  const isShared = arms.length > 1 && isFresh && sharesFirstRound(prepared.trial);
  const shared = isShared ? new SharedRoundPool(pool) : pool;
  for (const [i, arm] of arms.entries()) {
    if (i < from.arm) continue;
    const known = i === from.arm ? from.hangs : undefined;
    const asked = new HungClientPool(shared, trial.limits.hangRetries, known);
    const { hangs } = asked;
    const plan = planRounds(prepared, arm, { task, pool: asked, signal, keeperFor });
    try {
      // No variable holds the state, so that its params can be freed after the first round.
      const rounds = runRounds(
        plan,
        (i === from.arm && from.state) || openStart(start),
        server?.codeOf(i),
      );
      for await (const event of rounds) yield { arm, event, hangs };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const endsArm =
        error.exitCode === exitCodes.stopped || (error.exitCode === exitCodes.quorum && i > 0);
      if (!endsArm) throw error;
      const where = errorLocation(error.cause);
      yield { arm, event: { kind: "stopped", reason: error.message, where }, hangs };
    }
  }
}

/**
 * Do the baselines reuse the main arm's updates of the first round? Those of a cohort that is
 * streamed do not fit in memory, and with control variates or a personal method clients report
 * more.
 */
export function sharesFirstRound(
  trial: Pick<Trial, "clients" | "cohort" | "aggregator" | "scaffold" | "personal" | "baselines">,
): boolean {
  return (
    cohortSize(trial) <= windowSize &&
    !listArms(trial).some(({ scaffold, personal }) => scaffold ?? personal)
  );
}

/** Reads the params of a start state into memory. */
function openStart({ params, ...state }: StartState): TrialState {
  return { ...state, params: loadParams(params) };
}

/**
 * Returns the state from which all arms start.
 * @throws UserError if the task cannot start
 * @throws the signal's reason if it aborts
 */
export async function startArms(
  prepared: PreparedTrial,
  pool: ClientPool,
  signal: AbortSignal,
  { start }: Pick<WatchedServer, "start"> = { start: undefined },
): Promise<TrialState> {
  const { trial, clientIds, rng, external } = prepared;
  const task = start ? { start } : await prepared.loadTask();
  const before = { trial, clientIds, pool, rng, signal };
  const simulated = clientIds.filter((id) => !external.has(id));
  try {
    return await startTrial(task, clientIds, rng, {
      askForParams: () => askForParams(before),
      survey: (expects) => surveyClients(before, simulated, expects),
    });
  } catch (error) {
    signal.throwIfAborted(); // otherwise the task would be at fault
    throw error;
  }
}
