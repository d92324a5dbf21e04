import { stream } from "@fedclair/linalg";
import {
  clientIds,
  contaminate,
  createPlugin,
  ForgingPool,
  runRounds,
  type ClientPool,
  type Plugins,
  type Round,
  type Trial,
  type TrialState,
} from "@fedclair/core";
import { armsOf, type Arm } from "./arms.js";
import { SharedRoundPool } from "./shared-round-pool.js";

/** A round of one of a trial's methods. */
export interface ArmRound {
  readonly arm: Arm;
  readonly round: Round;
}

/**
 * Runs a trial on a pool that is ready: the method under study, then each baseline in a run paired with it (same seed,
 * cohorts, data and initialisation). Yields every round; returns the final params of the method under study.
 * @throws UserError when a round misses its quorum; the signal's reason when it aborts
 */
export async function* runTrial(
  trial: Trial,
  plugins: Plugins,
  pool: ClientPool,
  signal: AbortSignal,
): AsyncGenerator<ArmRound, TrialState> {
  const rng = stream(trial.seed);
  const contamination = contaminate(trial, plugins, rng);
  const arms = armsOf(trial);
  const forging = new ForgingPool(pool, contamination);
  const shared = arms.length > 1 ? new SharedRoundPool(forging) : forging;
  let outcome: TrialState | undefined;
  for (const arm of arms) {
    const task = createPlugin(plugins.tasks, trial.task);
    await task.prepare?.();
    const rounds = runRounds({
      trial,
      clientIds: clientIds(trial.clients),
      contamination,
      benignOnly: arm.benignOnly,
      pool: shared,
      task,
      aggregator: createPlugin(plugins.aggregators, arm.aggregator),
      rng,
      signal,
    });
    for (;;) {
      const step = await rounds.next();
      if (step.done) {
        outcome ??= step.value;
        break;
      }
      yield { arm, round: step.value };
    }
  }
  if (!outcome) throw new Error("a trial has at least one arm");
  return outcome;
}
