import type { BackendChoice } from "@fedclair/compute/choices";
import { UserError, type DefinedPlugin } from "@fedclair/core";
import { readPythonClients, type RoundRecord, type TrialSource } from "@fedclair/core/internal";
import { loadNamedPlugins } from "@fedclair/plugins";
import {
  chooseRunFolder,
  chooseTrialBackend,
  findDone,
  prepareSource,
  readTrial,
  recordTrial,
  rejectExternalClients,
  type ArmEvent,
} from "@fedclair/runs";
import { inPlace, placesWith } from "../processes/open-place.js";
import { openRun, type OpenedRun } from "./open-run.js";
import { Running, type Emit } from "./running.js";
import type { TrialObject } from "./trial-input.js";

/** How to run a trial or a sweep from a program. */
export interface StartOptions<P extends readonly DefinedPlugin[] = readonly DefinedPlugin[]> {
  /**
   * Plug-ins that the trial names, as objects. They run in this thread, so a plug-in that does not
   * return blocks the program. Modules that the trial names in `plugins` run in threads.
   */
  readonly plugins?: P;
  /** `path=value` texts that change the trial, like `task.localSteps=5`. */
  readonly set?: readonly string[] | undefined;
  /** Stops the trial when it aborts. The rounds so far stay in the folder. */
  readonly signal?: AbortSignal;
  /** The folder to write; default: one under `runs`, named after the trial. */
  readonly out?: string | undefined;
  /** The TensorFlow.js backend. Default: chosen by task. */
  readonly backend?: BackendChoice | undefined;
  /** The Python interpreter of clients in Python; default: that of the virtual environment. */
  readonly python?: string | undefined;
}

/** How to run a trial from a program. */
export interface RunOptions<
  P extends readonly DefinedPlugin[] = readonly DefinedPlugin[],
> extends StartOptions<P> {
  /** Resume an interrupted run in the folder? Default: it is rejected. */
  readonly resume?: boolean;
  /**
   * Make a new run beside the one that is there? Default: a finished run is the result, unless the
   * program has plug-ins, which may have changed since, and leaves the folder open.
   */
  readonly again?: boolean;
  /** Number of processes that train the clients. Default: they train in this thread. */
  readonly hosts?: number;
}

/** What happens in a run, in order. */
export type RunEvent =
  /** A sentence about what may surprise the user. */
  | { readonly kind: "notice"; readonly text: string }
  /** The run goes on after this many rounds of all arms. */
  | { readonly kind: "resumed"; readonly rounds: number }
  | {
      readonly kind: "sampled";
      readonly arm: string;
      readonly round: number;
      readonly cohort: readonly string[];
    }
  /** A round has ended and is on disk. */
  | {
      readonly kind: "round";
      readonly arm: string;
      readonly round: number;
      readonly record: RoundRecord;
    }
  /** An arm could not go on. The others do. */
  | { readonly kind: "stopped"; readonly arm: string; readonly reason: string };

/** A run that has ended. */
export interface RunResult extends OpenedRun {
  /** The sentences about what may surprise the user. */
  readonly notices: readonly string[];
}

/**
 * Runs a trial and writes its run folder. Loop over it for its events, or await its result.
 * @param trial the path of a trial file, or its content as an object
 * @throws UserError, when it is awaited or looped over, for a trial with faults, or if too few
 * clients answer a round; the signal's reason if it aborts
 */
export function run<const P extends readonly DefinedPlugin[] = readonly []>(
  trial: string | TrialObject<P[number]>,
  options: RunOptions<P> = {},
): Running<RunEvent, RunResult> {
  return new Running(
    async (emit, signal) => await runSource(readTrial(trial, options.set), options, emit, signal),
    options.signal,
  );
}

async function runSource(
  source: TrialSource,
  options: RunOptions,
  emit: Emit<RunEvent>,
  signal: AbortSignal,
): Promise<RunResult> {
  signal.throwIfAborted();
  const { plugins = [], backend = "auto", resume: resumes = false, hosts, python } = options;
  const prepared = await prepareSource(source, (one) => loadNamedPlugins(one, plugins));
  const again = options.again ?? (plugins.length > 0 && options.out === undefined && !resumes);
  const out = await chooseRunFolder(prepared.trial, { out: options.out, again });
  const done = await findDone(out, { prepared, backend, resumes });
  if (done && plugins.length > 0 && !resumes) {
    throw new UserError(
      `'${out}' holds the finished run, and whether the program's plug-ins have changed since is not known: expected another out for a new run, or resume: true to take this one`,
    );
  }
  if (done) return await openResult(out);
  if (hosts !== undefined) rejectOwn(plugins, "hosts");
  if (!readPythonClients(prepared.trial))
    rejectExternalClients(source.file, prepared, resumes ? out : undefined);
  const chosen = chooseTrialBackend([prepared], backend);
  const place = placesWith({ python, hosts })(prepared, chosen.name);
  await inPlace(place, ({ pool, server, backend: used = () => chosen.name }) =>
    recordTrial({
      prepared,
      out,
      resumes,
      pool,
      server,
      signal,
      backend: used,
      chosen,
      onNotice: (text) => void emit({ kind: "notice", text }),
      onResume: (counts) => {
        const rounds = [...counts.values()].reduce((sum, count) => sum + count, 0);
        void emit({ kind: "resumed", rounds });
      },
      onEvent: async ({ arm, event }) => {
        const shown = showEvent(arm.label, event);
        if (shown) await emit(shown);
      },
    }),
  );
  return await openResult(out);
}

async function openResult(out: string): Promise<RunResult> {
  const opened = await openRun(out);
  return { ...opened, notices: opened.summary.notices ?? [] };
}

function showEvent(arm: string, event: ArmEvent["event"]): RunEvent | undefined {
  switch (event.kind) {
    case "sampled":
      return { kind: "sampled", arm, round: event.round, cohort: event.cohort };
    case "round":
      return { kind: "round", arm, round: event.record.round, record: event.record };
    case "stopped":
      return { kind: "stopped", arm, reason: event.reason };
    default:
      return undefined;
  }
}

/** @throws UserError if the program has plug-ins, which other processes lack */
export function rejectOwn(plugins: readonly DefinedPlugin[], option: string): void {
  if (plugins.length === 0) return;
  throw new UserError(
    `${option}: other processes lack the program's plug-ins: leave it out, or write the plug-ins into modules that the trial names in plugins`,
  );
}
