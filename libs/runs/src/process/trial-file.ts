import { readFile } from "node:fs/promises";
import { UserError, type Plugins } from "@fedclair/core";
import { parseTrial, type Trial } from "@fedclair/core/internal";
import { devicesOf } from "../devices.js";
import { pathResolver } from "../paths.js";
import { isSweep } from "../sweep/sweep-file.js";
import { systemErrorCode } from "./system-error.js";

/**
 * Reads a trial file, as `parseTrial`.
 * @throws UserError also if it cannot be read, or is a sweep
 */
export async function readTrialFile(
  file: string,
  plugins: Plugins,
  overrides: readonly string[] = [],
): Promise<Trial> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `cannot read the trial file '${file}': ${systemErrorCode(error) ?? String(error)}`,
    );
  });
  if (isSweep(text)) throw new UserError(`'${file}' is a sweep of trials: use fedclair sweep`);
  const trial = parseTrial(text, file, plugins, overrides, pathResolver(file));
  await devicesOf(trial); // that it can be read is told before anything is started
  return trial;
}
