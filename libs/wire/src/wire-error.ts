import { failure, type ErrorCode, type Failure } from "@fedclair/core/internal";

/** The one error that the codec and the framing throw: what the sender is to be told. */
export class WireError extends Error {
  readonly failure: Failure;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "WireError";
    this.failure = failure(code, message);
  }
}

/** Anything that was thrown, as a failure; an unforeseen error has no code of its own and gets `code`. */
export function failureOf(error: unknown, code: ErrorCode): Failure {
  if (error instanceof WireError) return error.failure;
  return failure(code, error instanceof Error ? error.message : String(error));
}
