import { readFile } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { isSweep } from "../sweep/sweep-file.js";
import { codeOf } from "./system-error.js";

/** @throws UserError if it cannot be read, or is a sweep */
export async function readTrialFile(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(`cannot read the trial file '${file}': ${codeOf(error) ?? String(error)}`);
  });
  if (isSweep(text)) throw new UserError(`'${file}' is a sweep of trials: use fedclair sweep`);
  return text;
}
