import {
  keepBases,
  type HostStatus,
  payloadBytes,
  withDeadline,
  withModules,
  type ClientPool,
  type PreparedTrial,
  type TrialState,
  type WatchedServer,
} from "@fedclair/core/internal";
import type { ChosenBackend } from "./backend.js";
import { runTrial, startArms, type ArmEvent } from "./run-trial.js";
import type { Checkpoint, CheckpointPolicy, Position, StartState } from "../store/checkpoint.js";
import { ActivityWriter } from "./activity-writer.js";
import { unlessAborted } from "../process/when-aborted.js";
import { eachLine } from "../store/lines.js";
import { TensorFile } from "../store/tensor-file.js";
import type { WireTraffic } from "../store/arm-timing.js";
import { hashData } from "../store/data-hash.js";
import { listOutsideCode, rememberCode } from "../store/known-code.js";
import { RunFolder } from "../store/run-folder.js";
import { RecoveringPool } from "./recovering-pool.js";
import { keepOnDisk } from "./keep-on-disk.js";
import { maxBytesInMemory, StoringPool } from "./storing-pool.js";
import type { ArmRecord } from "../measures/arm-record.js";
import { Tally, type Summary } from "../measures/summary.js";

/** Arguments for running a trial into its folder. */
export interface TrialRun {
  readonly prepared: PreparedTrial;
  readonly pool: ClientPool;
  /** Runs plug-ins at the coordinator. Default: they run in this thread. */
  readonly server?: WatchedServer | undefined;
  /** The run folder to write. */
  readonly out: string;
  /** Should an existing run of this trial in the folder be resumed? Default: it is rejected. */
  readonly resumes?: boolean | undefined;
  readonly checkpoints?: CheckpointPolicy | undefined;
  readonly signal: AbortSignal;
  /** Traffic since the start of a pool that uses sockets. */
  readonly traffic?: WireTraffic;
  /** Returns the client hosts, for pages that show the run. Default: none. */
  readonly hosts?: () => readonly HostStatus[];
  /** Returns the TensorFlow.js backend that the clients train with, once they have joined. */
  readonly backend: () => string | undefined;
  /** Returns releases other than this one of hosts that have simulated clients. Default: none. */
  readonly otherReleases?: () => readonly string[];
  /**
   * The backend that this process chose for simulated clients. The reason is stored with the run if
   * all clients train with that backend.
   */
  readonly chosen?: ChosenBackend;
  /** Receives the notices of the trial, and later the task's about its data. */
  readonly onNotice?: (notice: string) => void;
  /**
   * Receives every event; an event of a round arrives when the round is on disk. The trial goes on
   * when the returned promise resolves.
   */
  readonly onEvent?: (event: ArmEvent) => Promise<void> | void;
  /** Receives the number of completed rounds of each arm when a run is resumed. */
  readonly onResume?: (done: ReadonlyMap<string, number>) => void;
}

/**
 * Claims the run folder, waits for the clients, and runs a trial to its end. Each round is on disk
 * before the next one begins. A run that is interrupted at any moment can be resumed, and ends with
 * the same records, params and summary. The pool stays open.
 * @throws UserError as `runTrial` and `RunFolder.claim`, or if the clients do not join within
 *   `limits.joinSeconds`
 */
export async function recordTrial(run: TrialRun): Promise<Summary> {
  const { prepared, pool, out, resumes = false, signal, checkpoints } = run;
  const { trial, outside, measures } = prepared;
  const folder = await RunFolder.claim(out, trial, resumes, checkpoints);
  const notices: string[] = [];
  const notice = (text: string) => {
    notices.push(text);
    run.onNotice?.(text);
  };
  let activity: ActivityWriter | undefined;
  try {
    prepared.notices.forEach(notice);
    // Read the data while hosts join; if the task fails, do not wait for them.
    const reading = prepared.loadTask().then((task) => {
      const about = task.notice?.(trial.clients);
      about?.split("\n").forEach(notice);
      return task.guessing?.();
    });
    const { joinSeconds } = trial.limits;
    const why = `the clients did not join in ${joinSeconds} s`;
    const joining = withDeadline(signal, joinSeconds * 1000, why, (either) => pool.ready(either));
    const hashing = hashData(prepared, signal);
    const [guessing, , data] = await unlessAborted(
      signal,
      Promise.all([reading, joining, hashing]),
    );
    const backend = run.backend() ?? "unknown";
    const reason = run.chosen?.name === backend ? run.chosen.why : undefined;
    await rememberCode(listOutsideCode(prepared)); // to resume the run without asking
    const checkpoint = await folder.begin(backend, withModules(trial, outside), {
      ...(reason !== undefined && { backendReason: reason }),
      ...(data.length > 0 && { data }),
    });
    activity = new ActivityWriter(folder.path, run.hosts);
    const writer = activity;
    const onEvent = (event: ArmEvent) => {
      writer.event(event);
      return run.onEvent?.(event);
    };
    const { primary } = measures;
    const before = checkpoint?.otherReleases ?? [];
    const otherReleases = () => [...new Set([...before, ...(run.otherReleases?.() ?? [])])].sort();
    const summary = {
      ...(await runInto(folder, { ...run, otherReleases, onEvent }, checkpoint)),
      backend,
      ...(otherReleases().length > 0 && { otherReleases: otherReleases() }),
      ...(primary !== undefined && { primary }),
      ...(notices.length > 0 && { notices }),
      ...(guessing && { guessing }),
      chain: folder.chain,
    };
    await folder.writeSummary(summary); // written last: a run with a summary is complete
    return summary;
  } catch (error) {
    if (!signal.aborted) await folder.writeFailure(error);
    throw error;
  } finally {
    activity?.close();
    await folder.release();
  }
}

async function runInto(
  folder: RunFolder,
  run: TrialRun & Required<Pick<TrialRun, "otherReleases">>,
  checkpoint: Checkpoint | undefined,
): Promise<Summary> {
  const { prepared, pool: inner, server, signal, traffic, onEvent, onResume } = run;
  const { trial, arms, measures, taskPlugin } = prepared;
  const pool = new StoringPool(new RecoveringPool(inner, trial.limits), folder.path);
  const tally = new Tally(trial, measures.metrics ?? {});
  const stopped = new Map(checkpoint?.stopped);
  const personal = new Set(checkpoint?.personal);
  if (checkpoint) {
    const done = new Map<string, number>();
    for await (const record of eachLine<ArmRecord>(folder.path, "records.jsonl")) {
      tally.add(record);
      done.set(record.arm, (done.get(record.arm) ?? 0) + 1);
    }
    for (const [arm, reason] of stopped) tally.stop(arm, reason);
    onResume?.(done);
  }
  const start = await storeStart(
    checkpoint?.start ?? (await startArms(prepared, pool, signal, server)),
    folder.path,
  );
  const writeCheckpoint = (position: Position) =>
    folder.checkpoint({
      ...position,
      stopped,
      otherReleases: run.otherReleases(),
      personal: [...personal],
      ...(start.origin && { start }),
    });
  const keeperFor = keepOnDisk(folder.path);
  const state = checkpoint?.state && (await keepBases(checkpoint.state, keeperFor));
  let main: TrialState | undefined;
  const writeParams = async () => {
    if (main) await folder.writeParams(main, taskPlugin.isExternal ?? false, keeperFor(0));
    main = undefined;
  };
  const from = { arm: 0, ...checkpoint, start, state };
  if (from.arm === 0) main = from.state;
  const means = { server, keeperFor };
  try {
    for await (const { arm, event, hangs } of runTrial(prepared, pool, signal, from, means)) {
      const index = arms.findIndex(({ label }) => label === arm.label);
      if (index > 0 || event.kind === "stopped") await writeParams(); // as soon as they are final
      if (event.kind === "stopped") {
        tally.stop(arm.label, event.reason);
        stopped.set(arm.label, event.reason);
        await writeCheckpoint({ arm: index + 1 });
      }
      if (event.kind === "round") {
        tally.add(await folder.append(arm, event, traffic));
        if (index === 0) main = event.state;
        if (arm.personal ?? event.state.personal.size > 0) personal.add(arm.label);
        if (event.record.stopped === undefined)
          await writeCheckpoint({ arm: index, state: event.state, hangs });
      }
      await onEvent?.({ arm, event });
    }
  } finally {
    await writeParams();
  }
  return { ...tally.summary(), ...(personal.size > 0 && { personal: [...personal] }) };
}

/**
 * Moves a large start state to disk. The first arm no longer needs it after a round, and the other
 * arms start much later.
 */
async function storeStart(start: StartState, folder: string): Promise<StartState> {
  if (payloadBytes(start.params.values()) <= maxBytesInMemory) return start;
  const file = await TensorFile.create(folder);
  return { ...start, params: await file.storeParams(start.params) };
}
