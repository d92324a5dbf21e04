import {
  payloadBytes,
  withModules,
  type ClientPool,
  type PreparedTrial,
  type TrialState,
} from "@fedclair/core/internal";
import type { ArmRecord } from "./arm-record.js";
import type { ChosenBackend } from "./backend.js";
import { runTrial, startArms, type ArmEvent, type Position } from "./run-trial.js";
import type { Checkpoint, CheckpointPolicy } from "./store/checkpoint.js";
import { eachLine } from "./store/lines.js";
import { UpdateFile } from "./store/update-file.js";
import { RunFolder, type WireTraffic } from "./store/run-folder.js";
import { mostHeld, StoringPool } from "./storing-pool.js";
import { Tally, type Summary } from "./summary.js";

/** What it takes to run a trial into its folder. */
export interface TrialRun {
  readonly prepared: PreparedTrial;
  readonly pool: ClientPool;
  /** The run folder to write. */
  readonly out: string;
  /** Go on with a run of this trial in the folder, if there is one? Default: it is refused. */
  readonly resumes?: boolean | undefined;
  readonly checkpoints?: CheckpointPolicy | undefined;
  readonly signal: AbortSignal;
  /** Of a pool that has a wire: counted since its start. */
  readonly traffic?: WireTraffic;
  /** The TensorFlow.js backend that the clients train with, once they are there. */
  readonly backend: () => string | undefined;
  /** What this process chose for clients that are simulated, and why: kept with the run if they are all that there are. */
  readonly chosen?: ChosenBackend;
  /** Told of everything that happens; of a round when it is on disk. */
  readonly onEvent?: (event: ArmEvent) => void;
  /** Told of the rounds that a run had done which goes on, by arm. */
  readonly onResume?: (done: ReadonlyMap<string, number>) => void;
}

/**
 * Takes the run folder, waits for the clients, and runs a trial to its end, each round on disk before the next begins. A run
 * that is cut off at any moment can go on, and ends with the same records, params and summary. The pool stays open.
 * @throws UserError as `runTrial` and `RunFolder.take`, or when the clients do not join in `limits.joinSeconds`
 */
export async function recordTrial(run: TrialRun): Promise<Summary> {
  const { prepared, pool, out, resumes = false, signal, checkpoints } = run;
  const { trial, outside, measures } = prepared;
  const folder = await RunFolder.take(out, trial, resumes, checkpoints);
  try {
    // The data are read while hosts join, and a task that fails need not wait for them.
    await Promise.all([prepared.loadTask(), whenReady(pool, trial.limits.joinSeconds, signal)]);
    const backend = run.backend() ?? "unknown";
    const why = run.chosen?.name === backend ? run.chosen.why : undefined;
    const checkpoint = await folder.begin(backend, withModules(trial, outside), why);
    const { primary } = measures;
    const summary = {
      ...(await runInto(folder, run, checkpoint)),
      backend,
      ...(primary !== undefined && { primary }),
    };
    await folder.writeSummary(summary); // the last: what has a summary is whole
    return summary;
  } catch (error) {
    if (!signal.aborted) await folder.writeFailure(error);
    throw error;
  } finally {
    await folder.release();
  }
}

async function runInto(
  folder: RunFolder,
  { prepared, pool: asked, signal, traffic, onEvent, onResume }: TrialRun,
  checkpoint: Checkpoint | undefined,
): Promise<Summary> {
  const { trial, arms, measures, taskPlugin } = prepared;
  const pool = new StoringPool(asked, folder.path);
  const tally = new Tally(trial, measures.metrics ?? {});
  const stopped = new Map(checkpoint?.stopped);
  if (checkpoint) {
    const done = new Map<string, number>();
    for await (const record of eachLine<ArmRecord>(folder.path, "records.jsonl")) {
      tally.add(record);
      done.set(record.arm, (done.get(record.arm) ?? 0) + 1);
    }
    for (const [arm, reason] of stopped) tally.stop(arm, reason);
    onResume?.(done);
  }
  const start = await setAside(
    checkpoint?.start ?? (await startArms(prepared, pool, signal)),
    folder.path,
  );
  const standsAt = (position: Position) =>
    folder.checkpoint({ ...position, stopped, ...(start.origin && { start }) });
  let main: TrialState | undefined;
  const writeParams = async () => {
    if (main) await folder.writeParams(main, taskPlugin.isExternal);
    main = undefined;
  };
  const from = { arm: 0, ...checkpoint, start };
  if (from.arm === 0) main = from.state;
  try {
    for await (const { arm, event } of runTrial(prepared, pool, signal, from)) {
      const index = arms.findIndex(({ label }) => label === arm.label);
      if (index > 0 || event.kind === "stopped") await writeParams(); // as soon as they are final
      if (event.kind === "stopped") {
        tally.stop(arm.label, event.reason);
        stopped.set(arm.label, event.reason);
        await standsAt({ arm: index + 1 });
      }
      if (event.kind === "round") {
        tally.add(await folder.append(arm, event, traffic));
        if (index === 0) main = event.state;
        if (event.record.stopped === undefined) await standsAt({ arm: index, state: event.state });
      }
      onEvent?.({ arm, event });
    }
  } finally {
    await writeParams();
  }
  return tally.summary();
}

/** What arms start from, large params on the disk: the first arm leaves them after a round, and later ones begin much later. */
async function setAside(start: TrialState, folder: string): Promise<TrialState> {
  if (payloadBytes(start.params.values()) <= mostHeld) return start;
  const file = await UpdateFile.in(folder);
  return { ...start, params: await file.storeParams(start.params) };
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
