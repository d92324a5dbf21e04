import { join, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import {
  breakForeignLock,
  chooseTrialBackend,
  findFinished,
  interruption,
  linkFile,
  print,
  openTerminal,
  sweepText,
  type FinishedTrial,
} from "@fedclair/runs";
import pc from "picocolors";
import {
  begin,
  formatPlace,
  openQueue,
  readSweep,
  runBegun,
  runTrials,
  type OpenQueue,
  type ReadSweep,
  type SweepEvent,
} from "../api/sweep.js";
import type { SweepOptions } from "./sweep-options.js";
import { SweepProgress } from "./sweep-progress.js";

/**
 * `fedclair sweep`: runs a grid of trials, skipping finished ones, and shows tables and figures. A
 * trial file with several seeds is a sweep too.
 * @throws UserError after they are shown, if a trial has failed or no trial has one of the measures
 */
export async function sweep(file: string, options: SweepOptions): Promise<void> {
  const read = await readSweep(file, options);
  let progress = new SweepProgress(read.grid.trials.length);
  const show = (event: SweepEvent) => {
    const line =
      event.kind === "notice" ? event.text : `${progress.count(event)} ${formatTrial(event)}`;
    process.stderr.write(`${line}\n`);
    return Promise.resolve();
  };
  const begun = await begin(read, show);
  if (options.slurm) {
    // Once the jobs have finished, the same sweep without --slurm shows the tables at once.
    const { submit, writeJobScript } = await import("./slurm.js");
    const script = await writeJobScript(begun.grid, file, begun.out, options);
    print(options.slurmDryRun ? `${script}\n` : `${await submit(script)}: ${script}\n`);
    return;
  }
  const open = options.queue === undefined ? openQueue : openRedis(options.queue);
  if (options.share) {
    const { trials } = begun.grid;
    const { index, count } = options.share;
    const own = trials.filter((_, i) => i % count === index);
    progress = new SweepProgress(own.length);
    await runShare({ ...begun, grid: { ...begun.grid, trials: own } }, options, show);
    if (!(await areFinished(begun, options))) {
      print(`runs: ${begun.out}\n`);
      return;
    }
    progress = new SweepProgress(trials.length);
  }
  const result = await runBegun(begun, open, options, show, interruption.signal);
  const { folder: out, faults, ...results } = result;
  if (options.json) print(JSON.stringify({ out, ...results }) + "\n");
  else {
    const missed = faults
      .map(({ message }) => pc.red(message.split("\n")[0] ?? "") + "\n")
      .join("");
    const place =
      options.report === false ? `runs: ${out}` : `report: ${linkFile(join(out, "report.html"))}`;
    print(`${sweepText(results, await openTerminal())}\n${missed}${place}\n`);
  }
  const [first] = faults;
  if (first) throw new UserError(faults.map(({ message }) => message).join("\n"), first.exitCode);
}

/**
 * Runs the trials of one task among several that an engine has started.
 * @throws UserError if a trial has failed
 */
async function runShare(
  own: ReadSweep,
  options: SweepOptions,
  show: (event: SweepEvent) => Promise<void>,
): Promise<void> {
  // The engine has this task run only here, so another machine that had a trial of it is gone.
  for (const { folder } of own.grid.trials) await breakForeignLock(join(own.out, folder));
  const { gaps } = await runTrials(own, openQueue, options, show, interruption.signal);
  const [fault] = gaps.list();
  if (fault) throw fault;
}

/** Are the trials of all tasks finished? */
async function areFinished({ grid, out }: ReadSweep, options: SweepOptions): Promise<boolean> {
  const backend = chooseTrialBackend(grid.trials, options.backend ?? "auto").name;
  for (const trial of grid.trials) if (!(await findFinished(trial, out, backend))) return false;
  return true;
}

/** Opens the queue of workers on many machines. */
function openRedis(queue: string | true): OpenQueue {
  return async ({ grid, out, source, set }, { backend = "auto" }, signal) => {
    const { RedisQueue } = await import("../queue/redis-queue.js");
    return await RedisQueue.open({
      queue,
      grid,
      source,
      set,
      file: resolve(source.file),
      folder: resolve(out),
      backend: chooseTrialBackend(grid.trials, backend).name,
      tell: (line) => process.stderr.write(`${line}\n`),
      signal,
    });
  };
}

function formatTrial({ trial, outcome, skipped }: FinishedTrial): string {
  const place = formatPlace(trial);
  if ("failed" in outcome) return `${place}: ${pc.red(outcome.failed)}`;
  return skipped ? `${place}: done before` : place;
}
