import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import type { VerifyRunOptions } from "./verify-run.js";
import type { VerifyTrialsOptions } from "./verify-trials.js";

export type VerifyOptions = VerifyTrialsOptions & VerifyRunOptions;

/**
 * `fedclair verify`: runs again and compares; trials with the results that they expect, or rounds
 * of one run with its records.
 * @throws UserError for an option of the other kind, or for a run beside other paths
 */
export async function verify(paths: readonly string[], options: VerifyOptions): Promise<void> {
  const run = paths.find((path) => existsSync(join(path, "run.json")));
  if (run === undefined) {
    rejectOptions(
      { rounds: options.rounds, seed: options.seed, json: options.json || undefined },
      {
        owner: "a run",
        given: `${paths.join(", ")} holds no run`,
      },
    );
    const { verifyTrials } = await import("./verify-trials.js");
    await verifyTrials(paths, options);
    return;
  }
  if (paths.length > 1)
    throw new UserError(`verify: expected trials, or one run alone: '${run}' holds a run`);
  rejectOptions(
    { set: options.set[0], jobs: options.jobs, python: options.python },
    {
      owner: "trials",
      given: `'${run}' holds a run`,
    },
  );
  const { verifyRun } = await import("./verify-run.js");
  await verifyRun(run, options);
}

/** @throws UserError naming the first option that has a value */
function rejectOptions(
  values: Readonly<Record<string, unknown>>,
  { owner, given }: { readonly owner: string; readonly given: string },
): void {
  const option = Object.keys(values).find((name) => values[name] !== undefined);
  if (option !== undefined) throw new UserError(`--${option} is for ${owner}: ${given}`);
}
