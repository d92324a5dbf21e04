import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { exitCodes, type PreparedTrial } from "@fedclair/core/internal";
import {
  checkExistingRun,
  checkTrial,
  describeTrial,
  listRunFaults,
  outcomeText,
  print,
  readRun,
  findRun,
  stoppedText,
  type Run,
  type TrialDescription,
} from "@fedclair/runs";
import { readForReport } from "../data/rounds-tally.js";
import { writeRunReport } from "./write-report.js";

/** How to show a run. */
export interface ShowOptions {
  /** Whether to print the summary as JSON instead of tables. */
  readonly json: boolean;
  /** Whether to write `report.html` and its figures. */
  readonly report: boolean;
}

/**
 * Writes the report of a finished run, and prints its outcome to stdout.
 * @returns the exit code: not 0 if more clients were lost than the trial allows, or an arm stopped
 * early. A fault that the outcome does not explain is on stderr
 */
export async function showRun(
  folder: string,
  prepared: PreparedTrial,
  { json, report }: ShowOptions,
): Promise<number> {
  const description = await describeTrial(prepared);
  const run = report ? await writeReport(folder, description) : await readRun(folder, description);
  const place = report ? `report: ${join(folder, "report.html")}` : `run: ${folder}`;
  print(json ? JSON.stringify(run.summary) + "\n" : `${outcomeText(run)}${place}\n`);
  const faults = listRunFaults(prepared.trial, run.summary);
  const stopped = stoppedText(run.summary);
  if (stopped !== undefined) process.stderr.write(`error: ${stopped}\n`);
  for (const { message, exitCode } of faults) {
    // The outcome explains why an arm stopped.
    if (exitCode !== exitCodes.stopped) process.stderr.write(`error: ${message}\n`);
  }
  return faults[0]?.exitCode ?? exitCodes.ok;
}

async function writeReport(folder: string, description: TrialDescription): Promise<Run> {
  const reported = await readForReport(folder, description);
  await writeRunReport(reported, folder);
  return reported.run;
}

/**
 * Shows the run in a folder if it belongs to this trial and is finished. Call it before starting
 * anything.
 * @param backend the required backend; `auto`: any
 * @returns the exit code, as in `showRun`; undefined if the trial has to be run
 * @throws UserError as `checkExistingRun` does, or if the run used another backend
 */
export async function showIfDone(
  folder: string,
  { prepared, backend, resumes }: RunRequest,
  options: ShowOptions,
): Promise<number | undefined> {
  const { trial } = prepared;
  const existing = await findRun(folder);
  if (!existing) return undefined;
  const { status, info } = existing;
  if (status !== "done") {
    checkExistingRun(existing, trial, resumes);
    return undefined;
  }
  checkTrial(existing, trial);
  if (backend !== "auto" && backend !== info.backend) {
    throw new UserError(
      `the run in '${folder}' is done, with the backend ${info.backend}: --again makes a new one`,
    );
  }
  process.stderr.write(`done before, ${info.started}: --again runs it again\n`);
  return await showRun(folder, prepared, options);
}

interface RunRequest {
  readonly prepared: PreparedTrial;
  readonly backend: string;
  readonly resumes: boolean;
}
