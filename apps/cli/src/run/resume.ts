import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import {
  commandName,
  findRun,
  parseSweep,
  readStoredSweep,
  readTrialFile,
  type StoredSweep,
} from "@fedclair/runs";
import type { PlaceOptions } from "@fedclair/runs/program";
import {
  allowPython,
  allowRun,
  loadAllowedPlugins,
  type TrustOptions,
} from "../trust/allow-code.js";
import type { RunOptions } from "./run-options.js";
import { run } from "./run.js";
import { checkStudyOptions } from "./study.js";

type ResumeOptions = Omit<RunOptions, "set" | "seeds" | "resume" | keyof PlaceOptions> &
  TrustOptions;

/**
 * `fedclair resume`: resumes the run, study or sweep in a folder; if it is finished, shows the
 * outcome.
 * @throws UserError if there is none in the folder, or its code may not run
 */
export async function resume(folder: string, options: ResumeOptions): Promise<void> {
  const stored = readStoredSweep(folder);
  if (stored) {
    await resumeSweep(folder, stored, options);
    return;
  }
  if (!(await findRun(folder)))
    throw new UserError(`'${folder}' holds no run: ${commandName()} run begins one`);
  await allowRun(folder, options);
  await run(join(folder, "trial.yaml"), { ...options, set: [], out: folder, resume: true });
}

async function resumeSweep(
  folder: string,
  { file, set, trials }: StoredSweep,
  options: ResumeOptions,
): Promise<void> {
  checkStudyOptions(options);
  if (file === "") {
    throw new UserError(
      `'${folder}' was started by a program: run the program again, which goes on where it stopped`,
    );
  }
  const source = readTrialFile(file, set);
  const sweepNow = parseSweep(source, await loadAllowedPlugins(options)(source));
  const present = sweepNow.trials.map(({ id }) => id);
  if (present.join() !== trials.map(({ id }) => id).join()) {
    throw new UserError(
      `'${file}', a plug-in or Python code has changed since '${folder}' was started: restore it, or run it again into this folder, which keeps the runs that are still the same`,
    );
  }
  await allowPython(
    sweepNow.trials.map(({ trial }) => trial),
    file,
    options,
  );
  const { sweep } = await import("../sweep/sweep.js");
  await sweep(file, { ...options, set, out: folder, jobs: options.jobs ?? 1 });
}
