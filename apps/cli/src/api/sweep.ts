import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { UserError, type DefinedPlugin } from "@fedclair/core";
import type { TrialSource } from "@fedclair/core/internal";
import { loadNamedPlugins } from "@fedclair/plugins";
import { writeSweep } from "@fedclair/view";
import {
  checkMeasures,
  chooseTrialBackend,
  computeResults,
  gridFile,
  missingMeasures,
  openSweepFolder,
  parseSweep,
  readTrial,
  runSweep,
  runSweepTrial,
  toUserError,
  type FinishedTrial,
  type RunTrial,
  type Summary,
  type Sweep,
  type SweepResults,
  type TrialQueue,
} from "@fedclair/runs";
import { placesWith } from "../processes/open-place.js";
import { SweepWorkers } from "../processes/sweep-workers.js";
import { rejectOwn, type StartOptions } from "./run.js";
import { Running, type Emit } from "./running.js";
import type { SweepObject } from "./trial-input.js";

/** How to run a sweep from a program. */
export interface SweepOptions<
  P extends readonly DefinedPlugin[] = readonly DefinedPlugin[],
> extends StartOptions<P> {
  /** Number of trials at a time, each in its own process; default: 1, in this process. */
  readonly jobs?: number;
  /** Write `report.html` and figures? Default: true. */
  readonly report?: boolean;
  /**
   * Skip finished runs in the folder? Default: yes, unless the program has plug-ins, which may have
   * changed since.
   */
  readonly resume?: boolean;
  /** The device that Python clients compute on. Default: where their model is. */
  readonly device?: string | undefined;
}

/** What happens in a sweep. */
export type SweepEvent =
  /** A sentence about what may surprise the user. */
  | { readonly kind: "notice"; readonly text: string }
  /** A trial has ended, or was done before. */
  | ({ readonly kind: "trial"; readonly trials: number } & FinishedTrial);

/** The results of a sweep. */
export interface SweepResult extends SweepResults {
  /** The folder with the runs, the tables and the report. */
  readonly folder: string;
  /** Trials without numbers, with the reason. */
  readonly failed: readonly string[];
  /** Trials that lost clients or arms. */
  readonly incomplete: readonly string[];
  /** The reasons for gaps in the tables; the first line of each message is a summary. */
  readonly faults: readonly UserError[];
}

/**
 * Runs a grid of trials, skipping finished ones, and computes tables. A trial with several seeds is
 * a sweep too. Loop over it for its events, or await its result.
 * @param trial the path of a sweep file, or its content as an object
 * @throws UserError, when it is awaited or looped over, for a sweep with faults; the signal's
 * reason if it aborts. A trial that fails is a fault in the result.
 */
export function sweep<const P extends readonly DefinedPlugin[] = readonly []>(
  trial: string | SweepObject<P[number]>,
  options: SweepOptions<P> = {},
): Running<SweepEvent, SweepResult> {
  return new Running(async (emit, signal) => {
    const { jobs = 1, plugins = [], resume = plugins.length === 0 } = options;
    if (jobs > 1) rejectOwn(plugins, "jobs");
    const read = await readSweep(trial, options);
    const out = resume ? read.out : chooseNewFolder(read.out, options.out === undefined);
    const begun = await begin({ ...read, out }, emit);
    return await runBegun(begun, openQueue, options, emit, signal);
  }, options.signal);
}

/** @throws UserError if the folder holds a sweep and no other one may be chosen */
function chooseNewFolder(out: string, mayChoose: boolean): string {
  for (let n = 0; ; n++) {
    const folder = n === 0 ? out : `${out}-${n}`;
    if (!existsSync(join(folder, gridFile))) return folder;
    if (mayChoose) continue;
    throw new UserError(
      `'${out}' holds runs already, and whether the program's plug-ins have changed since is not known: expected another out, or resume: true to skip what is done`,
    );
  }
}

/** A sweep that has been read. */
export interface ReadSweep {
  readonly trial: string | object;
  readonly source: TrialSource;
  readonly grid: Sweep;
  readonly out: string;
  readonly set: readonly string[];
}

/** Reads a sweep and checks its measures. @throws UserError for faults */
export async function readSweep(
  trial: string | object,
  { set = [], out, plugins }: Pick<SweepOptions, "set" | "out" | "plugins">,
): Promise<ReadSweep> {
  const source = readTrial(trial, set);
  const grid = parseSweep(source, await loadNamedPlugins(source, plugins));
  const measures = grid.measures.map(({ measure }) => measure);
  checkMeasures(measures, grid.trials, `${source.file}: sweep.measures`);
  return { trial, source, grid, set, out: out ?? join("runs", grid.name) };
}

/** Reports notices and opens the folder of a sweep. */
export async function begin(read: ReadSweep, emit: Emit<SweepEvent>): Promise<ReadSweep> {
  const { grid, trial, out, set } = read;
  for (const text of new Set(grid.trials.flatMap(({ notices }) => notices)))
    await emit({ kind: "notice", text });
  const file = typeof trial === "string" ? resolve(trial) : "";
  return { ...read, grid: await openSweepFolder(out, grid, { file, set }) };
}

/** Opens what runs the trials. */
export type OpenQueue = (
  begun: ReadSweep,
  options: SweepOptions,
  signal: AbortSignal,
) => Promise<TrialQueue>;

/** Opens a queue in this process, or in other processes on this machine. */
export const openQueue: OpenQueue = async (begun, options, signal) => {
  const { trial, grid, out, set } = begun;
  const { jobs = 1, backend: choice = "auto", python, device } = options;
  if (jobs > 1) {
    const chosen = choice === "auto" ? {} : { backend: choice };
    return new SweepWorkers({ file: trial, out, set, python, device, ...chosen }, jobs, signal);
  }
  const backend = chooseTrialBackend(grid.trials, choice);
  await loadBackend().catch(toUserError);
  const open = placesWith({ python, device });
  const run: RunTrial = (one) => runSweepTrial(one, out, signal, backend, open);
  return { jobs, run, close: () => undefined };
};

/** Runs a sweep whose folder is open, and writes its results. */
export async function runBegun(
  begun: ReadSweep,
  open: OpenQueue,
  options: SweepOptions,
  emit: Emit<SweepEvent>,
  signal: AbortSignal,
): Promise<SweepResult> {
  const { grid, out, source } = begun;
  const { summaries, gaps } = await runTrials(begun, open, options, emit, signal);
  const results = computeResults(grid, summaries);
  await writeSweep(out, grid, results, options.report);
  const { failed, incomplete } = gaps;
  const faults = [...gaps.list(), ...listMissing(grid, source.file, summaries)];
  return { folder: out, ...results, failed, incomplete, faults };
}

/**
 * Runs the trials of a sweep whose folder is open, or some of them.
 * @returns the summaries by trial, and the reasons for gaps in the tables
 */
export async function runTrials(
  begun: ReadSweep,
  open: OpenQueue,
  options: SweepOptions,
  emit: Emit<SweepEvent>,
  signal: AbortSignal,
) {
  const { grid } = begun;
  const summaries = new Map<string, Summary>();
  const gaps = new Gaps(grid.trials.length);
  const queue = await open(begun, options, signal);
  try {
    for await (const done of runSweep(grid, queue)) {
      const { trial, outcome } = done;
      if (!("failed" in outcome)) summaries.set(trial.id, outcome);
      gaps.add(done);
      await emit({ kind: "trial", trials: grid.trials.length, ...done });
    }
  } finally {
    await queue.close();
  }
  return { summaries, gaps };
}

/** The reasons for gaps in the tables. */
class Gaps {
  readonly failed: string[] = [];
  readonly incomplete: string[] = [];
  readonly #trials: number;
  #exitCode: number | undefined;

  constructor(trials: number) {
    this.#trials = trials;
  }

  add({ trial, outcome, faults }: FinishedTrial): void {
    const place = formatPlace(trial);
    if ("failed" in outcome) {
      this.failed.push(`${place}: ${outcome.failed}`);
      this.#exitCode ??= outcome.exitCode;
    }
    for (const fault of faults) {
      this.incomplete.push(`${place}: ${fault.message}`);
      this.#exitCode ??= fault.exitCode;
    }
  }

  list(): UserError[] {
    const { failed, incomplete } = this;
    return Object.entries({ failed, "lost clients or arms": incomplete })
      .filter(([, texts]) => texts.length > 0)
      .map(([what, texts]) => {
        const short = `${texts.length} of ${this.#trials} trials ${what}`;
        const lines = texts.map((text) => text.split("\n")[0]);
        return new UserError([short, ...lines].join("\n  "), this.#exitCode);
      });
  }
}

function listMissing(grid: Sweep, file: string, summaries: ReadonlyMap<string, Summary>) {
  const { missing, known } = missingMeasures(grid, summaries);
  if (missing.length === 0) return [];
  const short = `${file}: sweep.measures: no trial has ${missing.join(", ")}`;
  return [new UserError(`${short}\n  expected some of ${known.join(", ")}`)];
}

/** Formats the place of a trial in the grid. */
export function formatPlace({ at }: Pick<FinishedTrial["trial"], "at">): string {
  return [...at].map(([path, label]) => `${path} ${label}`).join(" · ");
}
