import { UserError } from "@fedclair/core";
import { Trace, type Trial } from "@fedclair/core/internal";
import { readText, UnreadableError } from "../store/regular-file.js";

/** A row has up to a hundred bytes, and a trace a few rows for each of a million devices. */
const maxTraceBytes = 2 ** 28;

/**
 * Reads the trace named by `devices.trace`, if the trial has one.
 * @param place where the trial names it, for messages
 * @throws UserError if it cannot be read
 */
export function readTrace({ devices }: Pick<Trial, "devices">, place?: string): Trace | undefined {
  const file = devices?.trace;
  if (file === undefined) return undefined;
  try {
    return Trace.parse(readText(file, maxTraceBytes), file);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    const where = place === undefined ? "" : `${place}: `;
    throw new UserError(`${where}devices.trace: ${error.message}`);
  }
}
