import { join } from "node:path";
import { remarksOn, exitCodes } from "@fedclair/core";
import {
  describeTrial,
  faultsOf,
  holdsRun,
  interruption,
  outcomeText,
  print,
  Progress,
  readRun,
  recordTrial,
  type TrialRun,
} from "@fedclair/runs";
import { writeReportOf } from "./write-report.js";

/** A trial to run in front of a person. */
export interface ReportedRun extends Omit<TrialRun, "signal" | "onEvent"> {
  /** Print the summary as JSON instead of tables. */
  readonly json: boolean;
  /** Write `report.html` and its figures? Default: yes. */
  readonly report?: boolean;
}

/**
 * Runs a trial with a progress bar on stderr, writes its report, and ends with the outcome on stdout.
 * @returns the exit code: not 0 if clients were lost beyond what the trial allows, or a method could not go on; stderr then
 * says so
 */
export async function runAndReport({ json, report, ...run }: ReportedRun): Promise<number> {
  const { trial, plugins, out } = run;
  if (await holdsRun(out, trial)) process.stderr.write(`replaces the run in ${out}\n`);
  for (const remark of remarksOn(trial, plugins)) process.stderr.write(`${remark}\n`);
  const progress = new Progress(trial);
  let rounds = 0;
  const kept: string[] = [];
  try {
    const summary = await recordTrial({
      ...run,
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.event.kind === "round") {
          rounds++;
          const { round, kept: why } = event.event.record;
          if (why !== undefined) kept.push(`${event.arm.label} round ${round}: ${why}`);
        }
        progress.event(event);
      },
    });
    progress.stop();
    const done = await readRun(out, await describeTrial(trial, plugins));
    if (report !== false) await writeReportOf(done, out);
    const place = report === false ? `run: ${out}` : `report: ${join(out, "report.html")}`;
    print(json ? JSON.stringify(summary) + "\n" : `${outcomeText(done)}${place}\n`);
    for (const text of keptText(kept)) process.stderr.write(`warning: ${text}\n`);
    const faults = faultsOf(trial, summary);
    for (const { message } of faults) process.stderr.write(`error: ${message}\n`);
    return faults[0]?.exitCode ?? exitCodes.ok;
  } catch (error) {
    progress.stop();
    if (rounds > 0) process.stderr.write(`stopped after ${rounds} rounds, which lie in ${out}\n`);
    throw error;
  }
}

/** Rounds whose params stayed as they were, the first few by name. */
function keptText(kept: readonly string[]): string[] {
  const shown = kept.slice(0, 3).map((text) => `${text}; the round kept the old ones`);
  return kept.length > 3 ? [...shown, `${kept.length - 3} more rounds kept their params`] : shown;
}
