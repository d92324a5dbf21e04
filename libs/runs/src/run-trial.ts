import { stream } from "@fedclair/linalg";
import {
  clientIds,
  contaminate,
  createPlugin,
  exitCodes,
  runRounds,
  UserError,
  type ClientPool,
  type Plugins,
  type Round,
  type Trial,
} from "@fedclair/core";
import { armsOf, type Arm } from "./arms.js";
import { SharedRoundPool } from "./shared-round-pool.js";

/** A round of one of a trial's methods. */
export interface ArmRound {
  readonly arm: Arm;
  readonly round: Round;
}

/** A method that could not go on: its aggregator or its task failed, or a baseline's params outgrew all numbers. */
export interface ArmStopped {
  readonly arm: Arm;
  readonly stopped: string;
}

/**
 * Runs a trial on a pool that is ready: the method under study, then each baseline in a run paired with it (same seed,
 * cohorts, data and initialisation). Yields every round. A method whose aggregator or task fails ends alone, and so does a
 * baseline that misses its quorum: the others go on.
 * @throws UserError when the method under study misses its quorum; the signal's reason when it aborts
 */
export async function* runTrial(
  trial: Trial,
  plugins: Plugins,
  pool: ClientPool,
  signal: AbortSignal,
): AsyncGenerator<ArmRound | ArmStopped> {
  const rng = stream(trial.seed);
  const arms = armsOf(trial);
  const shared = arms.length > 1 ? new SharedRoundPool(pool) : pool;
  for (const arm of arms) {
    const task = createPlugin(plugins.tasks, trial.task);
    await task.prepare?.();
    const rounds = runRounds({
      trial,
      clientIds: clientIds(trial.clients),
      contamination: contaminate(trial, plugins, rng),
      benignOnly: arm.benignOnly,
      pool: shared,
      task,
      aggregator: createPlugin(plugins.aggregators, arm.aggregator),
      rng,
      signal,
    });
    try {
      for await (const round of rounds) yield { arm, round };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const missed = error.exitCode === exitCodes.quorum && arm !== arms[0];
      if (error.exitCode !== exitCodes.stopped && !missed) throw error;
      yield { arm, stopped: error.message };
    }
  }
}
