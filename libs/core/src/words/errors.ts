import { bounds, printable } from "./text.js";

/**
 * Every way in which a message, a client or a host can fail. The same set stands in proto/fedclair/v1/errors.proto and
 * docs/errors.md; a test compares the three. Codes are never reused.
 */
export const errorCodes = {
  MALFORMED: 1,
  PROTOCOL_VERSION: 2,
  BAD_TOKEN: 3,
  NOT_JOINED: 4,
  UNKNOWN_CLIENT: 5,
  STALE_ROUND: 6,
  DUPLICATE: 7,
  WRONG_MODULES: 8,
  WRONG_SHAPE: 9,
  NON_FINITE: 10,
  OVERSIZE: 11,
  CLIENT_ERROR: 12,
  CLIENT_TIMEOUT: 13,
  LATE: 14,
  HOST_LOST: 15,
  TRIAL_ENDED: 16,
  BACKEND_MISMATCH: 17,
  PLUGIN_MISMATCH: 18,
  NO_EVALUATION: 19,
  STRAGGLER: 20,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Why something was refused or is missing: an expected outcome, hence a value and not an exception. */
export interface Failure {
  readonly code: ErrorCode;
  /** Names the offending value and what was expected. */
  readonly message: string;
}

/** A failure whose message may hold a stranger's text: made printable, and cut. */
export function failure(code: ErrorCode, message: string): Failure {
  return { code, message: printable(message, bounds.failureBytes) };
}

/** An error that is the user's to mend; the command prints its message without a stack and exits with `exitCode`. */
export class UserError extends Error {
  readonly exitCode: number;

  /** @param cause what a plug-in threw: for people who look for the place, and for no record */
  constructor(message: string, exitCode: number = exitCodes.usage, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UserError";
    this.exitCode = exitCode;
  }
}

/** The longest text of a plug-in's fault in a record, in bytes as JSON. */
const faultBytes = 2048;

/** For people, of whatever a plug-in threw: on one line, made printable, and cut. */
export function errorMessage(error: unknown): string {
  return printable(toText(error), faultBytes);
}

function toText(error: unknown): string {
  try {
    return error instanceof UserError ? error.message : String(error);
  } catch {
    return "a value that has no text was thrown";
  }
}

/**
 * ` (file:///…/task.js:3:5)`, the first place that an error's stack names, if it names one: not the line's text, which of a minified
 * package has no end. For people only: it depends on how the program was started, and must not enter a record.
 */
export function errorLocation(error: unknown): string {
  try {
    const stack = String((error as Partial<Error> | undefined)?.stack);
    const [, place] = /^ +at (?:.*\()?((?:file:\/\/)?\/.*:\d+:\d+)\)?$/m.exec(stack) ?? [];
    return place === undefined ? "" : ` (${errorMessage(place)})`;
  } catch {
    return ""; // what was thrown may be anything
  }
}

/** Exit codes of the `fedclair` command; also in docs/errors.md. */
export const exitCodes = {
  ok: 0,
  /** A fault of the program itself. */
  internal: 1,
  /** A bad trial file, option or argument. */
  usage: 2,
  /** Too few clients answered a round, or too few joined. */
  quorum: 3,
  /** `verify`: a measured value lies outside its expected range. `audit --fail-on`: an adapter has one of the statuses. */
  unexpected: 4,
  /** Clients were lost beyond what the trial allows. */
  lost: 5,
  /** The aggregator or the task of an arm failed; the other arms went on. */
  stopped: 6,
  /** Stopped by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;
