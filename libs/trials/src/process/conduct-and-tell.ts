import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { clientIds, createPlugin, UserError, type Plugins, type Trial } from "@fedclair/core";
import { conductTrial, type Conduct } from "../conduct.js";
import { Progress } from "../progress.js";
import { writeReport, type ReportOptions } from "../report/index.js";
import { holdsRun } from "../run-folder.js";
import { isSweep } from "../sweep/sweep-file.js";
import { interruption } from "./main.js";
import { outcomeText } from "./outcome-text.js";
import { codeOf } from "./system-error.js";

/** A trial to conduct in front of a person. */
export interface Show extends Omit<Conduct, "signal" | "onRound"> {
  /** Print the summary as JSON instead of tables. */
  readonly json: boolean;
  /** Write `report.html` and its figures? Default: yes. */
  readonly report?: boolean;
}

/** Conducts a trial with a progress bar on stderr, writes its report, and ends with the outcome on stdout. */
export async function conductAndTell({ json, report, ...conduct }: Show): Promise<void> {
  const { trial, plugins, out } = conduct;
  if (await holdsRun(out, trial)) process.stderr.write(`replaces the run in ${out}\n`);
  const progress = new Progress(trial);
  let rounds = 0;
  try {
    const summary = await conductTrial({
      ...conduct,
      signal: interruption.signal,
      onRound: (armRound) => {
        rounds++;
        progress.round(armRound);
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

/** Where a run goes unless told otherwise. */
export function runFolderFor({ name, seed }: Trial): string {
  return join("runs", `${name}-${seed}`);
}

/** @throws UserError if it cannot be read, or is a sweep */
export async function readTrialFile(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(`cannot read the trial file '${file}': ${codeOf(error) ?? String(error)}`);
  });
  if (isSweep(text)) throw new UserError(`'${file}' is a sweep of trials: use fedclair sweep`);
  return text;
}
