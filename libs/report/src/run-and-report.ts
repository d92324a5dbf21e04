import { join } from "node:path";
import { clientIds, createPlugin, type Plugins, type Trial } from "@fedclair/core";
import {
  holdsRun,
  interruption,
  outcomeText,
  Progress,
  recordTrial,
  type TrialRun,
} from "@fedclair/runs";
import { writeReport, type ReportOptions } from "./write-report.js";

/** A trial to run in front of a person. */
export interface ReportedRun extends Omit<TrialRun, "signal" | "onEvent"> {
  /** Print the summary as JSON instead of tables. */
  readonly json: boolean;
  /** Write `report.html` and its figures? Default: yes. */
  readonly report?: boolean;
}

/** Runs a trial with a progress bar on stderr, writes its report, and ends with the outcome on stdout. */
export async function runAndReport({ json, report, ...run }: ReportedRun): Promise<void> {
  const { trial, plugins, out } = run;
  if (await holdsRun(out, trial)) process.stderr.write(`replaces the run in ${out}\n`);
  const remark = createPlugin(plugins.tasks, trial.task).remark?.(trial.clients);
  if (remark !== undefined) process.stderr.write(`${remark}\n`);
  const progress = new Progress(trial);
  let rounds = 0;
  try {
    const summary = await recordTrial({
      ...run,
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.event.kind === "round") rounds++;
        progress.event(event);
      },
    });
    progress.stop();
    const options = await reportOptions(trial, plugins);
    if (report !== false) await writeReport(out, options);
    const place = report === false ? `run: ${out}` : `report: ${join(out, "report.html")}`;
    process.stdout.write(
      json
        ? JSON.stringify(summary) + "\n"
        : (await outcomeText(out, trial, summary, options.label)) + place + "\n",
    );
  } catch (error) {
    progress.stop();
    if (rounds > 0) process.stderr.write(`stopped after ${rounds} rounds, which lie in ${out}\n`);
    throw error;
  }
}

/** What the trial's task adds to a report: figures, and the names that people know its clients by. */
export async function reportOptions(trial: Trial, plugins: Plugins): Promise<ReportOptions> {
  const figures = plugins.tasks.get(trial.task.name)?.figures;
  const task = createPlugin(plugins.tasks, trial.task);
  if (!task.clientLabel) return { figures };
  await task.prepare?.();
  const labels = new Map(
    clientIds(trial.clients).map((id, i) => [id, task.clientLabel?.(i) ?? ""]),
  );
  return { figures, label: (id) => labels.get(id) ?? "" };
}
