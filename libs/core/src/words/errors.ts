import { bounds, printable } from "./text.js";

/**
 * Every way in which a message, a client or a host can fail. proto/fedclair/v1/errors.proto and
 * docs/errors.md list the same codes; a test compares the three. Codes are never reused.
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
  CLIENT_HUNG: 21,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The codes of clients that are not lost: the trial did not wait for them, or did not ask them. */
export const notLost: ReadonlySet<ErrorCode> = new Set(["STRAGGLER", "TRIAL_ENDED"]);

/**
 * Explains why something was rejected or is missing. It is an expected outcome, so it is a value
 * and not an exception.
 */
export interface Failure {
  readonly code: ErrorCode;
  /** A sentence with the offending value and what was expected. */
  readonly message: string;
}

/** Creates a failure. The message may contain text from a client: it is escaped and cut. */
export function failure(code: ErrorCode, message: string): Failure {
  return { code, message: printable(message, bounds.failureBytes) };
}

/**
 * An error that the user can fix. The command prints its message without a stack trace and exits
 * with `exitCode`; a program can tell errors apart by their class and `code`.
 */
export class UserError extends Error {
  readonly exitCode: number;
  /** The name of `exitCode`, such as `usage` or `quorum`; some classes have codes of their own. */
  readonly code: string;

  /** @param cause the error that a plug-in threw, for debugging; it is never written to a record */
  constructor(message: string, exitCode: number = exitCodes.usage, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UserError";
    this.exitCode = exitCode;
    this.code = Object.entries(exitCodes).find(([, one]) => one === exitCode)?.[0] ?? "internal";
  }
}

/** The largest size of a plug-in's error message in a record, in bytes as JSON. */
const faultBytes = 2048;

/** Formats any value that was thrown as one line of text, escaped and cut. */
export function errorMessage(error: unknown): string {
  return printable(toText(error), faultBytes);
}

function toText(error: unknown): string {
  try {
    const text = error instanceof UserError ? error.message : String(error);
    const hasReason =
      typeof error === "object" ? error !== null : error !== undefined && text !== "";
    return hasReason ? text : `${text || '""'} was thrown, which gives no reason`;
  } catch {
    return "a value that has no text was thrown";
  }
}

/**
 * Returns the first location in an error's stack, as ` (file:///…/task.js:3:5)`, or an empty text
 * if the stack has none. The source line is left out, because in a minified package it is very
 * long. Do not write the location to a record: it depends on how the program was started.
 */
export function errorLocation(error: unknown): string {
  try {
    const stack = String((error as Partial<Error> | undefined)?.stack);
    const [, place] = /^ +at (?:.*\()?((?:file:\/\/)?\/.*:\d+:\d+)\)?$/m.exec(stack) ?? [];
    return place === undefined ? "" : ` (${errorMessage(place)})`;
  } catch {
    return ""; // any value can be thrown
  }
}

/** Exit codes of the `fedclair` command; also in docs/errors.md. */
export const exitCodes = {
  ok: 0,
  /** A bug in the program itself. */
  internal: 1,
  /** A bad trial file, option or argument. */
  usage: 2,
  /**
   * Too few clients answered a round, or too few joined. `audit`: too few adapters can be compared.
   */
  quorum: 3,
  /**
   * `verify`: a measured value lies outside its expected range. `audit --fail-on`: an adapter has
   * one of the statuses. `verify`: a round differs from its record.
   */
  unexpected: 4,
  /** More clients were lost than the trial allows. */
  lost: 5,
  /** A plug-in of an arm failed; the other arms continued. */
  stopped: 6,
  /** Stopped by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;
