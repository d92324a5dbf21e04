import { join, resolve } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { UserError } from "@fedclair/core";
import { loadNamedPlugins } from "@fedclair/plugins";
import { writeSweep } from "@fedclair/view";
import {
  chooseTrialBackend,
  checkMeasures,
  computeResults,
  interruption,
  missingMeasures,
  openSweepFolder,
  parseSweep,
  print,
  readTrialFile,
  runSweep,
  runSweepTrial,
  sweepText,
  toUserError,
  type FinishedTrial,
  type RunTrial,
  type Summary,
  type Sweep,
  type TrialQueue,
} from "@fedclair/runs";
import pc from "picocolors";
import { placesWith } from "../processes/open-place.js";
import type { SweepOptions } from "./sweep-options.js";
import { SweepProgress } from "./sweep-progress.js";
import { SweepWorkers } from "../processes/sweep-workers.js";

/**
 * `fedclair sweep`: runs a grid of trials, skipping finished ones, and shows tables and figures. A
 * trial file with several seeds is a sweep too.
 * @throws UserError after they are shown, if a trial has failed or no trial has one of the measures
 */
export async function sweep(file: string, options: SweepOptions): Promise<void> {
  const source = readTrialFile(file, options.set);
  const parsed = parseSweep(source, await loadNamedPlugins(source));
  const measures = parsed.measures.map(({ measure }) => measure);
  checkMeasures(measures, parsed.trials, `${file}: sweep.measures`);
  const out = options.out ?? join("runs", parsed.name);
  const notices = new Set(parsed.trials.flatMap((trial) => trial.notices));
  for (const notice of notices) process.stderr.write(`${notice}\n`);
  const grid = await openSweepFolder(out, parsed, { file: resolve(file), set: options.set });
  if (options.slurm) {
    // Once the jobs have finished, the same sweep without --slurm shows the tables at once.
    const { submit, writeJobScript } = await import("./slurm.js");
    const script = await writeJobScript(grid, file, out, options);
    print(options.slurmDryRun ? `${script}\n` : `${await submit(script)}: ${script}\n`);
    return;
  }
  const summaries = new Map<string, Summary>();
  const failed: string[] = [];
  const incomplete: string[] = [];
  let exitCode: number | undefined;
  const progress = new SweepProgress(grid.trials.length);
  const queue = await openQueue(grid, out, file, options);
  try {
    for await (const done of runSweep(grid, queue)) {
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
  } finally {
    await queue.close();
  }
  const results = computeResults(grid, summaries);
  await writeSweep(out, grid, results, options.report);
  const faults = faultsOf(grid, file, summaries, failed, incomplete);
  if (options.json) print(JSON.stringify({ out, ...results, failed, incomplete }) + "\n");
  else {
    const missed = faults.map((fault) => pc.red(firstLine(fault)) + "\n").join("");
    const place = options.report === false ? `runs: ${out}` : `report: ${join(out, "report.html")}`;
    print(`${sweepText(results)}\n${missed}${place}\n`);
  }
  if (faults.length > 0) throw new UserError(faults.join("\n"), exitCode);
}

/** Opens a queue: this process, other processes on this machine, or workers on many machines. */
async function openQueue(
  grid: Sweep,
  out: string,
  file: string,
  { jobs, queue, set, backend: choice = "auto", python, device }: SweepOptions,
): Promise<TrialQueue> {
  const { signal } = interruption;
  if (jobs > 1) {
    const chosen = choice === "auto" ? {} : { backend: choice };
    return new SweepWorkers({ file, out, set, python, device, ...chosen }, jobs, signal);
  }
  const backend = chooseTrialBackend(grid.trials, choice);
  if (queue === undefined) {
    await loadBackend().catch(toUserError);
    const open = placesWith({ python, device });
    const run: RunTrial = (trial) => runSweepTrial(trial, out, signal, backend, open);
    return { jobs, run, close: () => undefined };
  }
  const { RedisQueue } = await import("../queue/redis-queue.js");
  return await RedisQueue.open({
    queue,
    grid,
    set,
    file: resolve(file),
    folder: resolve(out),
    backend: backend.name,
    tell: (line) => process.stderr.write(`${line}\n`),
    signal,
  });
}

/** Lists the reasons for gaps in the tables. The first line of each entry is a summary. */
function faultsOf(
  sweep: Sweep,
  file: string,
  summaries: ReadonlyMap<string, Summary>,
  failed: readonly string[],
  incomplete: readonly string[],
): string[] {
  const faults = Object.entries({ failed, "lost clients or arms": incomplete })
    .filter(([, texts]) => texts.length > 0)
    .map(([what, texts]) => {
      const short = `${texts.length} of ${sweep.trials.length} trials ${what}`;
      return [short, ...texts.map(firstLine)].join("\n  ");
    });
  const { missing, known } = missingMeasures(sweep, summaries);
  if (missing.length > 0) {
    const short = `${file}: sweep.measures: no trial has ${missing.join(", ")}`;
    faults.push(`${short}\n  expected some of ${known.join(", ")}`);
  }
  return faults;
}

function line({ trial, outcome, skipped }: FinishedTrial): string {
  const place = placeOf(trial);
  if ("failed" in outcome) return `${place}: ${pc.red(outcome.failed)}`;
  return skipped ? `${place}: done before` : place;
}

function placeOf({ at }: FinishedTrial["trial"]): string {
  return [...at].map(([path, label]) => `${path} ${label}`).join(" · ");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
