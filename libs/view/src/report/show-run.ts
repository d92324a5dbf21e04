import { join } from "node:path";
import { exitCodes, type PreparedTrial } from "@fedclair/core/internal";
import {
  describeTrial,
  findDone,
  listRunFaults,
  linkFile,
  openTerminal,
  outcomeText,
  print,
  readRun,
  stoppedText,
  type Run,
  type RunRequest,
  type TrialDescription,
} from "@fedclair/runs";

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
  const place = report ? `report: ${linkFile(join(folder, "report.html"))}` : `run: ${folder}`;
  print(
    json
      ? JSON.stringify(run.summary) + "\n"
      : `${outcomeText(run, await openTerminal())}${place}\n`,
  );
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
  const [{ readForReport }, { writeRunReport }] = await Promise.all([
    import("../data/rounds-tally.js"),
    import("./write-report.js"),
  ]);
  const reported = await readForReport(folder, description);
  await writeRunReport(reported, folder);
  return reported.run;
}

/**
 * Shows the run in a folder if it belongs to this trial and is finished. Call it before starting
 * anything.
 * @returns the exit code, as in `showRun`; undefined if the trial has to be run
 * @throws UserError as `findDone`
 */
export async function showIfDone(
  folder: string,
  request: RunRequest,
  options: ShowOptions,
): Promise<number | undefined> {
  const done = await findDone(folder, request);
  if (!done) return undefined;
  process.stderr.write(`done before, ${done.info.started}: --again runs it again\n`);
  return await showRun(folder, request.prepared, options);
}
