import { errorMessage, errorLocation } from "@fedclair/core/errors";

/** For people, of what a plug-in, or this program, threw in a timer or in a promise that nobody awaits. */
export function uncaughtText(error: unknown): string {
  return (
    `nobody caught ${errorMessage(error)}${errorLocation(error)}: thrown in a timer, or in a promise that nobody awaits; ` +
    "await it, or catch what it throws"
  );
}
