import { lstatSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import type { VerifyRunOptions } from "./verify-run.js";
import type { VerifyTrialsOptions } from "./verify-trials.js";

type VerifyOptions = VerifyTrialsOptions & VerifyRunOptions;

/**
 * `fedclair verify`: runs again and compares; trials with the results that they expect, or rounds
 * of one run with its records.
 * @throws UserError for an option of the other kind, or for a run beside other paths
 */
export async function verify(paths: readonly string[], options: VerifyOptions): Promise<void> {
  const run = paths.find(isRun);
  const { set, jobs, python, rounds, seed, json } = options;
  if (run === undefined) {
    const given = `${paths.join(", ")} holds no run`;
    rejectOptions({ rounds, seed, json: json || undefined }, `a run: ${given}`);
    const { verifyTrials } = await import("./verify-trials.js");
    await verifyTrials(paths, options);
    return;
  }
  if (paths.length > 1)
    throw new UserError(`verify: expected trials, or one run alone: '${run}' holds a run`);
  rejectOptions({ set: set[0], jobs, python }, `trials: '${run}' holds a run`);
  const { verifyRun } = await import("./verify-run.js");
  await verifyRun(run, options);
}

/** Is there a run.json, even one that cannot be read? */
function isRun(folder: string): boolean {
  try {
    lstatSync(join(folder, "run.json"));
    return true;
  } catch {
    return false;
  }
}

/** @throws UserError naming the first option that has a value, and what it is for */
function rejectOptions(values: Readonly<Record<string, unknown>>, purpose: string): void {
  const option = Object.keys(values).find((name) => values[name] !== undefined);
  if (option !== undefined) throw new UserError(`--${option} is for ${purpose}`);
}
