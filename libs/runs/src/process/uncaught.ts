import { messageOf } from "@fedclair/core/errors";

/** For people, of what a plug-in, or this program, threw in a timer or in a promise that nobody awaits. */
export function uncaughtText(error: unknown): string {
  return (
    `nobody caught ${messageOf(error)}${placeOf(error)}: thrown in a timer, or in a promise that nobody awaits; ` +
    "await it, or catch what it throws"
  );
}

/** The first line of the program that the stack names: not the line's text, which of a minified package has no end. */
function placeOf(error: unknown): string {
  try {
    const stack = String((error as Partial<Error> | undefined)?.stack);
    const [, place] = /^ +at (?:.*\()?((?:file:\/\/)?\/.*:\d+:\d+)\)?$/m.exec(stack) ?? [];
    return place === undefined ? "" : ` (${messageOf(place)})`;
  } catch {
    return ""; // what was thrown may be anything
  }
}
