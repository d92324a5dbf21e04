import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import {
  parseYaml,
  readTrialSource,
  type ResolvePath,
  type TrialSource,
} from "@fedclair/core/internal";
import { maxResolvedBytes } from "../store/read-trial.js";
import { readText, UnreadableError } from "../store/regular-file.js";

/**
 * Reads the YAML of a trial file or a sweep, without checking its values.
 * @param copy where its text is, if the file is on another machine
 * @throws UserError if the file cannot be read or is not YAML
 */
export function readTrialFile(
  file: string,
  overrides: readonly string[] = [],
  copy = file,
): TrialSource {
  // Paths of the file start from its folder, and those of the command line from the working one.
  const resolvePath: ResolvePath = (path, by) => resolve(by === "file" ? dirname(file) : "", path);
  return readTrialSource(readTrialText(copy), file, overrides, resolvePath);
}

/**
 * Reads a trial or a sweep from a file, or takes the object in which a program has it. Relative
 * paths of an object start from the working folder.
 * @throws UserError as `readTrialFile`
 */
export function readTrial(trial: string | object, overrides: readonly string[] = []): TrialSource {
  if (typeof trial === "string") return readTrialFile(trial, overrides);
  const [text, file] = [JSON.stringify(trial), "trial"];
  const yaml = parseYaml({ text, file, hasLines: false, what: "trial", overrides });
  return { file, yaml, resolvePath: (path) => resolve(path) };
}

/** Does a file describe several trials, by a section `sweep` or several seeds? */
export function isSweep({ yaml: { content } }: TrialSource): boolean {
  if (typeof content !== "object" || content === null) return false;
  const { seeds = 1 } = content as { readonly seeds?: unknown };
  return "sweep" in content || seeds !== 1;
}

/** The largest trial file. `parseYaml` bounds the time that its text takes. */
const maxTrialBytes = 2 * 2 ** 20;

/** Reads a trial file. In a run folder it may be longer. */
function readTrialText(file: string): string {
  const isRun = basename(file) === "trial.yaml" && existsSync(join(dirname(file), "run.json"));
  try {
    return readText(file, isRun ? maxResolvedBytes : maxTrialBytes);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    throw new UserError(`cannot read the trial file '${file}': ${error.code}`);
  }
}
