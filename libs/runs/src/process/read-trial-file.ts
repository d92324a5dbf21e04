import { readFile } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { readTrialSource, type TrialSource } from "@fedclair/core/internal";
import { pathResolver } from "../paths.js";
import { systemErrorCode } from "./system-error.js";

/**
 * Reads the YAML of a trial file or a sweep, without checking its values.
 * @throws UserError if the file cannot be read, or is not YAML
 */
export async function readTrialFile(
  file: string,
  overrides: readonly string[] = [],
): Promise<TrialSource> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `cannot read the trial file '${file}': ${systemErrorCode(error) ?? String(error)}`,
    );
  });
  return readTrialSource(text, file, overrides, pathResolver(file));
}
