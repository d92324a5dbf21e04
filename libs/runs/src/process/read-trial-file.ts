import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@fedclair/core";
import { readTrialSource, type TrialSource } from "@fedclair/core/internal";
import { pathResolver } from "../paths.js";
import { readRunTrial } from "../store/read-trial.js";
import { systemErrorCode } from "./system-error.js";

/**
 * Reads the YAML of a trial file or a sweep, without checking its values.
 * @throws UserError if the file cannot be read or is not YAML, or is of a run of an earlier release
 *   that cannot be repeated
 */
export async function readTrialFile(
  file: string,
  overrides: readonly string[] = [],
): Promise<TrialSource> {
  const text = await readText(file).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `cannot read the trial file '${file}': ${systemErrorCode(error) ?? String(error)}`,
    );
  });
  return readTrialSource(text, file, overrides, pathResolver(file));
}

/**
 * Reads a trial file. In a run folder of an earlier release, it gets the present options.
 * @throws UserError if the run has options that this release lacks
 */
async function readText(file: string): Promise<string> {
  const folder = dirname(file);
  const isRun = basename(file) === "trial.yaml" && existsSync(join(folder, "run.json"));
  if (!isRun) return await readFile(file, "utf8");
  const { text, lost } = await readRunTrial(folder);
  if (lost.length === 0) return text;
  throw new UserError(
    `'${file}' is of a run of an earlier release with ${lost.join(", ")}, which this release lacks: run it with that release`,
  );
}
