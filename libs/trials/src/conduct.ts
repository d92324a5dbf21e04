import type { ClientPool, Plugins, Trial, TrialState } from "@fedclair/core";
import { readLines, RunFolder, type ArmRecord, type WireTraffic } from "./run-folder.js";
import { runTrial, type ArmRound } from "./run-trial.js";
import { summarise, type Summary } from "./summary.js";

/** What it takes to conduct a trial. */
export interface Conduct {
  readonly trial: Trial;
  readonly plugins: Plugins;
  readonly pool: ClientPool;
  /** The run folder to write. */
  readonly out: string;
  readonly signal: AbortSignal;
  /** Of a pool that has a wire: counted since its start. */
  readonly traffic?: WireTraffic;
  /** Called when a round is on disk. */
  readonly onRound?: (armRound: ArmRound) => void;
}

/**
 * Waits for the clients, runs a trial to its end and leaves its run folder behind, each round on disk before the next
 * begins. The pool stays open. @throws UserError as `runTrial`, or when the clients do not join in `limits.joinSeconds`
 */
export async function conductTrial(conduct: Conduct): Promise<Summary> {
  const { trial, plugins, pool, out, signal, traffic, onRound } = conduct;
  const folder = await RunFolder.create(out, trial);
  try {
    await pool.ready(
      AbortSignal.any([signal, AbortSignal.timeout(trial.limits.joinSeconds * 1000)]),
    );
    const rounds = runTrial(trial, plugins, pool, signal);
    let state: TrialState | undefined;
    while (!state) {
      const step = await rounds.next();
      if (step.done) {
        state = step.value;
      } else {
        await folder.append(step.value, traffic);
        onRound?.(step.value);
      }
    }
    const summary = summarise(trial, await readLines<ArmRecord>(out, "records.jsonl"));
    await folder.finish(state, summary);
    return summary;
  } finally {
    await folder.close();
  }
}
