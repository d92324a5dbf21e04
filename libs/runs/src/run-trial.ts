import { errorLocation } from "@fedclair/core/errors";
import { stream } from "@fedclair/linalg";
import { UserError, type Plugins } from "@fedclair/core";
import {
  askForParams,
  checkPrepared,
  clientIds,
  contaminate,
  createPlugin,
  exitCodes,
  modsOf,
  prepareTask,
  runRounds,
  startTrial,
  type ClientPool,
  type RoundPlan,
  type Trial,
  type TrialEvent,
  type TrialState,
  unknownClients,
} from "@fedclair/core/internal";
import { listArms, type Arm } from "./arms.js";
import { devicesOf } from "./devices.js";
import { SharedRoundPool } from "./shared-round-pool.js";

/** Something that happened in one of a trial's arms. */
export interface ArmEvent {
  readonly arm: Arm;
  readonly event: TrialEvent | Stopped;
}

/** The arm could not go on: too few clients answered, or its aggregator or the task failed. */
export interface Stopped {
  readonly kind: "stopped";
  readonly reason: string;
  /** Where in a plug-in's code, if it threw: ` (file:///…/rule.js:3:5)`; for people alone. */
  readonly where: string;
}

/** Where a trial stands. */
export interface Position {
  /** What all arms start from. Default: it is made anew. */
  readonly start?: TrialState | undefined;
  /** The arm under way, 0-based. */
  readonly arm: number;
  /** Where it stands. Default: at its start. */
  readonly state?: TrialState | undefined;
}

/**
 * Runs a trial on a pool that is ready: the method under study, then each baseline in a run paired with it (same seed,
 * cohorts, data and initialisation). An arm that cannot go on ends alone; the others go on without it.
 * @param from where it goes on
 * @throws UserError when the method under study misses its quorum; the signal's reason when it aborts
 */
export async function* runTrial(
  trial: Trial,
  plugins: Plugins,
  pool: ClientPool,
  signal: AbortSignal,
  from: Position = { arm: 0 },
): AsyncGenerator<ArmEvent> {
  const arms = listArms(trial);
  const start = from.start ?? (await startOf(trial, plugins, pool, signal));
  // What the first arm was answered is not there any more where the trial goes on: later arms ask again, and hear the same.
  const isWhole = from.arm === 0 && from.state === undefined;
  const devices = await devicesOf(trial);
  const shared = arms.length > 1 && isWhole ? new SharedRoundPool(pool) : pool;
  for (const [i, arm] of arms.entries()) {
    if (i < from.arm) continue;
    const state = i === from.arm ? from.state : undefined;
    try {
      yield* runArm(arm, state ?? start, { trial, plugins, pool: shared, signal, devices });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const isAlone =
        error.exitCode === exitCodes.stopped ||
        (error.exitCode === exitCodes.quorum && arm !== arms[0]);
      if (!isAlone) throw error;
      yield {
        arm,
        event: { kind: "stopped", reason: error.message, where: errorLocation(error.cause) },
      };
    }
  }
}

/** What all arms start from. */
export async function startOf(
  trial: Trial,
  plugins: Plugins,
  pool: ClientPool,
  signal: AbortSignal,
): Promise<TrialState> {
  const rng = stream(trial.seed);
  const ids = clientIds(trial.clients);
  const task = createPlugin(plugins.tasks, trial.task);
  await prepareTask(task, trial.task.name);
  checkPrepared(task, trial);
  return await startTrial(task, ids, rng, () =>
    askForParams({ trial, clientIds: ids, pool, rng, signal }),
  );
}

/** What all arms have in common. */
interface Run extends Pick<RoundPlan, "pool" | "signal" | "devices"> {
  readonly trial: Trial;
  readonly plugins: Plugins;
}

async function* runArm(
  arm: Arm,
  start: TrialState,
  { trial, plugins, pool, signal, devices }: Run,
): AsyncGenerator<ArmEvent> {
  const rng = stream(trial.seed);
  const task = createPlugin(plugins.tasks, trial.task);
  await prepareTask(task, trial.task.name);
  const plan = {
    ...{ trial, pool, task, rng, signal, devices, benignOnly: arm.benignOnly },
    clientIds: clientIds(trial.clients),
    contamination: contaminate(trial, plugins, rng),
    unknown: unknownClients(trial, plugins),
    isExternal: plugins.tasks.get(trial.task.name)?.isExternal ?? false,
    aggregator: createPlugin(plugins.aggregators, arm.aggregator),
    mods: modsOf(trial, plugins),
  };
  for await (const event of runRounds(plan, start)) yield { arm, event };
}
