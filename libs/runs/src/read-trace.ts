import { readFile } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { Trace, type Trial } from "@fedclair/core/internal";
import { systemErrorCode } from "./process/system-error.js";

/**
 * Reads the trace named by `devices.trace`, if the trial has one.
 * @throws UserError if it cannot be read
 */
export async function readTrace({ devices }: Pick<Trial, "devices">): Promise<Trace | undefined> {
  const file = devices?.trace;
  if (file === undefined) return undefined;
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `devices.trace: cannot read '${file}': ${systemErrorCode(error) ?? String(error)}`,
    );
  });
  return Trace.parse(text, file);
}
