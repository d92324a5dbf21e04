import { UserError } from "@fedclair/core";

/**
 * The most seconds to read the data of a task, whatever their format. A host that joins has more
 * time by default (`limits.joinSeconds`), so its error names the file before the coordinator's
 * error names the host.
 */
export const mostSeconds = 45;

/** Starts the time to read a source. Whatever reads it ends when the signal is aborted. */
export function startReading(): AbortSignal {
  return AbortSignal.timeout(1000 * mostSeconds);
}

/** Checks whether an error is due to the signal of `startReading`. */
export function isTooLate(error: unknown): boolean {
  return error instanceof Error && ["AbortError", "TimeoutError"].includes(error.name);
}

/** Creates the error of data that take too long to read. */
export function tooLate(what: string): UserError {
  return new UserError(
    `source: ${what}: expected data that are read within ${mostSeconds} s, and these take longer: leave some out, or write them as Parquet`,
  );
}
