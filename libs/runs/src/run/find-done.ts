import { UserError } from "@fedclair/core";
import type { PreparedTrial } from "@fedclair/core/internal";
import { checkData } from "../store/data-hash.js";
import { checkExistingRun, checkTrial } from "../store/run-folder.js";
import { findRun, type StoredRun } from "../store/stored-run.js";

/** A trial that is to be run into a folder. */
export interface RunRequest {
  readonly prepared: PreparedTrial;
  /** The required backend; `auto`: any. */
  readonly backend: string;
  /** Should an existing run of this trial be resumed? */
  readonly resumes: boolean;
}

/**
 * Finds the finished run of a trial in a folder. Returns undefined if the trial has to be run.
 * @throws UserError as `checkExistingRun` and `checkData` do, or if the run used another backend
 */
export async function findDone(
  folder: string,
  { prepared, backend, resumes }: RunRequest,
): Promise<StoredRun | undefined> {
  const existing = await findRun(folder);
  if (!existing) return undefined;
  const { status, info } = existing;
  if (status === "done") checkTrial(existing, prepared.trial);
  else checkExistingRun(existing, prepared.trial, resumes);
  await checkData(existing, prepared);
  if (status !== "done") return undefined;
  if (backend !== "auto" && backend !== info.backend) {
    throw new UserError(
      `the run in '${folder}' is done, with the backend ${info.backend}: --again makes a new one`,
    );
  }
  return existing;
}
