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
} from "@fedclair/runs";
import { writeRunReport } from "./write-report.js";

/** How a run is shown. */
export interface Showing {
  /** Print the summary as JSON instead of tables. */
  readonly json: boolean;
  /** Write `report.html` and its figures? Default: yes. */
  readonly report?: boolean;
}

/**
 * Writes the report of a run that is done, and its outcome to stdout.
 * @returns the exit code: not 0 if clients were lost beyond what the trial allows, or a method could not go on; stderr then
 * says so
 */
export async function showRun(
  folder: string,
  prepared: PreparedTrial,
  { json, report = true }: Showing,
): Promise<number> {
  const run = await readRun(folder, await describeTrial(prepared));
  if (report) await writeRunReport(run, folder);
  const place = report ? `report: ${join(folder, "report.html")}` : `run: ${folder}`;
  print(json ? JSON.stringify(run.summary) + "\n" : `${outcomeText(run)}${place}\n`);
  const faults = listRunFaults(prepared.trial, run.summary);
  for (const { message } of faults) process.stderr.write(`error: ${message}\n`);
  return faults[0]?.exitCode ?? exitCodes.ok;
}

/**
 * Shows the run that lies in a folder, if it is this trial's and done: to be asked before anything is started.
 * @param backend what a run shall train with; `auto`: any
 * @returns the exit code, as `showRun`; undefined: there is something to run
 * @throws UserError as `checkHeld`, or if it is done with another backend
 */
export async function showIfDone(
  folder: string,
  { prepared, backend, resumes }: Wanted,
  showing: Showing,
): Promise<number | undefined> {
  const { trial } = prepared;
  const held = await findRun(folder);
  if (!held) return undefined;
  const { status, info } = held;
  if (status !== "done") {
    checkExistingRun(held, trial, resumes);
    return undefined;
  }
  checkTrial(held, trial);
  if (backend !== "auto" && backend !== info.backend) {
    throw new UserError(
      `the run in '${folder}' is done, with the backend ${info.backend}: --again makes a new one`,
    );
  }
  process.stderr.write(`done before, ${info.started}: --again runs it anew\n`);
  return await showRun(folder, prepared, showing);
}

interface Wanted {
  readonly prepared: PreparedTrial;
  readonly backend: string;
  readonly resumes: boolean;
}
