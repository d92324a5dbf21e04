import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { remarksOn, UserError, type Plugins } from "@fedclair/core";
import { pluginsFor } from "@fedclair/plugins";
import { writeSweep } from "@fedclair/report";
import {
  checkMeasures,
  interruption,
  missingMeasures,
  parseSweep,
  print,
  runSweep,
  runSweepTrial,
  sweepText,
  tablesOf,
  type Done,
  type Summary,
  type Sweep,
} from "@fedclair/runs";
import pc from "picocolors";
import { SweepProgress } from "./sweep-progress.js";
import { SweepWorkers } from "./sweep-workers.js";

export interface SweepOptions {
  readonly set: readonly string[];
  readonly out?: string;
  /** Trials at a time, each in a process of its own; one: in this process. */
  readonly jobs: number;
  readonly json: boolean;
}

/**
 * `fedclair sweep`: runs a grid of trials, those left out that are done, and shows tables and heat maps.
 * @throws UserError once they are shown, if a trial failed or no trial has one of the measures
 */
export async function sweep(file: string, options: SweepOptions): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`cannot read the sweep file '${file}'`);
  });
  const plugins = await pluginsFor(file, options.set);
  const grid = parseSweep(text, file, plugins, options.set);
  checkMeasures(grid, file, plugins);
  const out = options.out ?? join("runs", grid.name);
  const remarks = grid.trials.flatMap(({ trial }) => remarksOn(trial, plugins));
  for (const remark of new Set(remarks)) process.stderr.write(`${remark}\n`);
  const summaries = new Map<string, Summary>();
  const failed: string[] = [];
  const incomplete: string[] = [];
  let exitCode: number | undefined;
  const progress = new SweepProgress(grid.trials.length);
  for await (const done of runOn(grid, plugins, out, file, options)) {
    const { trial, outcome } = done;
    process.stderr.write(`${progress.count(done)} ${line(done)}\n`);
    if ("failed" in outcome) {
      failed.push(`${placeOf(trial)}: ${outcome.failed}`);
      exitCode ??= outcome.exitCode;
    } else summaries.set(trial.id, outcome);
    for (const fault of done.faults) {
      incomplete.push(`${placeOf(trial)}: ${fault.message}`);
      exitCode ??= fault.exitCode;
    }
  }
  const tables = tablesOf(grid, summaries);
  await writeSweep(out, grid, tables);
  const faults = faultsOf(grid, file, summaries, failed, incomplete);
  if (options.json) print(JSON.stringify({ out, tables, failed, incomplete }) + "\n");
  else {
    const missed = faults.map((fault) => pc.red(firstLine(fault)) + "\n").join("");
    print(`${sweepText(tables)}\n${missed}report: ${join(out, "report.html")}\n`);
  }
  if (faults.length > 0) throw new UserError(faults.join("\n"), exitCode);
}

/** The trials as they are over: run in this process, or in so many others. */
async function* runOn(
  grid: Sweep,
  plugins: Plugins,
  out: string,
  file: string,
  { jobs, set }: SweepOptions,
): AsyncGenerator<Done> {
  const { signal } = interruption;
  if (jobs === 1) {
    const { name: backend } = await loadBackend("auto");
    yield* runSweep(grid, out, (trial) => runSweepTrial(trial, plugins, out, signal, backend));
    return;
  }
  const workers = new SweepWorkers([file, out, ...set], signal);
  try {
    yield* runSweep(grid, out, workers.run, jobs);
  } finally {
    workers.close();
  }
}

/** Why tables have holes, in an entry a cause whose first line tells it in short. */
function faultsOf(
  sweep: Sweep,
  file: string,
  summaries: ReadonlyMap<string, Summary>,
  failed: readonly string[],
  incomplete: readonly string[],
): string[] {
  const faults: string[] = [];
  if (failed.length > 0) {
    const short = `${failed.length} of ${sweep.trials.length} trials failed`;
    faults.push([short, ...failed.map(firstLine)].join("\n  "));
  }
  if (incomplete.length > 0) {
    const short = `${incomplete.length} of ${sweep.trials.length} trials lost clients or methods`;
    faults.push([short, ...incomplete.map(firstLine)].join("\n  "));
  }
  const { missing, known } = missingMeasures(sweep, summaries);
  if (missing.length > 0) {
    const short = `${file}: sweep.measures: no trial has ${missing.join(", ")}`;
    faults.push(`${short}\n  expected some of ${known.join(", ")}`);
  }
  return faults;
}

function line({ trial, outcome, skipped }: Done): string {
  const place = placeOf(trial);
  if ("failed" in outcome) return `${place}: ${pc.red(outcome.failed)}`;
  return skipped ? `${place}: done before` : place;
}

function placeOf({ at }: Done["trial"]): string {
  return [...at].map(([path, label]) => `${path} ${label}`).join(" · ");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
