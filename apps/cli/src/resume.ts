import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { findRun } from "@fedclair/runs";
import type { PlaceOptions } from "@fedclair/runs/program";
import type { RunOptions } from "./run-options.js";
import { run } from "./run.js";

export type ResumeOptions = Omit<RunOptions, "set" | "resume" | keyof PlaceOptions>;

/** `fedclair resume`: resumes the run in a folder; for a finished run it shows the outcome. */
export async function resume(folder: string, options: ResumeOptions): Promise<void> {
  if (!(await findRun(folder)))
    throw new UserError(`'${folder}' holds no run: fedclair run begins one`);
  await run(join(folder, "trial.yaml"), { ...options, set: [], out: folder, resume: true });
}
