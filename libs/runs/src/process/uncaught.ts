import { errorMessage, errorLocation } from "@fedclair/core/errors";

/**
 * Explains an error that a plug-in, or this program, threw in a timer or in a promise that is not
 * awaited.
 */
export function formatUncaught(error: unknown): string {
  return (
    `uncaught ${errorMessage(error)}${errorLocation(error)}: thrown in a timer, or in a promise that is never awaited; ` +
    "await it, or catch what it throws"
  );
}
