import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { commandName } from "@fedclair/runs/program";
import { isSweep, readTrialFile } from "@fedclair/runs/trial-file";
import type { RunOptions } from "./run-options.js";

/** Does the trial file, with its overrides, describe several seeds? Faults are reported later. */
export function hasSeveralSeeds(file: string, set: readonly string[]): boolean {
  try {
    const source = readTrialFile(file, set);
    return isSweep(source) && !("sweep" in (source.yaml.content as object));
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/**
 * Runs a trial once for each of its seeds, in one folder.
 * @throws UserError for options of single runs, and as `sweep` does
 */
export async function runStudy(file: string, options: RunOptions): Promise<void> {
  checkStudyOptions(options);
  if (options.open !== undefined) {
    throw new UserError(
      `--open is for a single run: ${commandName()} view shows a study while it runs, in another terminal`,
    );
  }
  const { out, name, again = false, external, jobs = 1 } = options;
  if (external !== undefined) {
    throw new UserError(
      "a function of Python runs a single trial, and this one has several seeds: run it once for each, or write the function into a module",
    );
  }
  if (again) {
    throw new UserError(
      "--again is for a single run: give the new study a place of its own by --out or --name",
    );
  }
  if (out !== undefined && name !== undefined)
    throw new UserError("--name and --out are two places for one study: leave one out");
  const folder = out ?? (name === undefined ? undefined : join("runs", name));
  const { sweep } = await import("../sweep/sweep.js");
  await sweep(file, { ...options, jobs, ...(folder !== undefined && { out: folder }) });
}

/** @throws UserError naming an option that only single runs have */
export function checkStudyOptions(
  options: Pick<RunOptions, "hosts" | "metrics" | "keepCheckpoints" | "checkpointEvery">,
): void {
  const single = Object.entries({
    "--hosts": options.hosts,
    "--metrics": options.metrics,
    "--keep-checkpoints": options.keepCheckpoints,
    "--checkpoint-every": options.checkpointEvery === 1 ? undefined : options.checkpointEvery,
  }).find(([, value]) => value !== undefined)?.[0];
  if (single !== undefined) {
    throw new UserError(
      `${single} is for a single run: several seeds run --jobs at a time, each with its clients in one process`,
    );
  }
}
