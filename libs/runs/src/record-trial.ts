import {
  withModules,
  type ClientPool,
  type Plugins,
  type Trial,
  type TrialState,
} from "@fedclair/core";
import { armsOf } from "./arms.js";
import { measuresOf } from "./description.js";
import { RunFolder, type WireTraffic } from "./run-folder.js";
import { runTrial, type ArmEvent } from "./run-trial.js";
import { Tally, type Summary } from "./summary.js";

/** What it takes to run a trial into its folder. */
export interface TrialRun {
  readonly trial: Trial;
  readonly plugins: Plugins;
  readonly pool: ClientPool;
  /** The run folder to write; an earlier run of the same trial in it goes when the clients are there. */
  readonly out: string;
  readonly signal: AbortSignal;
  /** Of a pool that has a wire: counted since its start. */
  readonly traffic?: WireTraffic;
  /** The TensorFlow.js backend that the clients train with, once they are there. */
  readonly backend: () => string | undefined;
  /** Told of everything that happens; of a round when it is on disk. */
  readonly onEvent?: (event: ArmEvent) => void;
}

/**
 * Waits for the clients, runs a trial to its end and leaves its run folder behind, each round on disk before the next
 * begins. The pool stays open.
 * @throws UserError as `runTrial` and `holdsRun`, or when the clients do not join in `limits.joinSeconds`
 */
export async function recordTrial(run: TrialRun): Promise<Summary> {
  const { trial, plugins, pool, out, signal, traffic, onEvent } = run;
  await whenReady(pool, trial.limits.joinSeconds, signal);
  const folder = await RunFolder.create(out, withModules(trial, plugins.outside));
  const [{ label: studied }] = armsOf(trial);
  const tally = new Tally(trial, measuresOf(trial, plugins).metrics ?? {});
  let state: TrialState | undefined;
  try {
    for await (const { arm, event } of runTrial(trial, plugins, pool, signal)) {
      if (event.kind === "stopped") tally.stop(arm.label, event.reason);
      if (event.kind === "round") {
        tally.add(await folder.append(arm, event, traffic));
        if (arm.label === studied) state = event.state;
      }
      onEvent?.({ arm, event });
    }
  } finally {
    const { isForeign } = plugins.tasks.get(trial.task.name) ?? {};
    if (state) await folder.writeParams(state, isForeign);
    await folder.close();
  }
  const summary = { ...tally.summary(), backend: run.backend() ?? "unknown" };
  await folder.writeSummary(summary); // the last: what has a summary is whole
  return summary;
}

/** The timer is ours: an `AbortSignal.timeout` that only `AbortSignal.any` refers to may be collected and never fire. */
async function whenReady(pool: ClientPool, seconds: number, signal: AbortSignal): Promise<void> {
  const joining = new AbortController();
  const stop = () => {
    joining.abort(signal.reason);
  };
  const timer = setTimeout(() => {
    joining.abort(new DOMException(`the clients did not join in ${seconds} s`, "TimeoutError"));
  }, seconds * 1000);
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    await pool.ready(joining.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
