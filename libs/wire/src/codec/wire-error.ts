import { failure, type ErrorCode, type Failure } from "@fedclair/core/internal";

/** The only error that the codec and the framing throw; its failure is sent to the sender. */
export class WireError extends Error {
  readonly failure: Failure;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "WireError";
    this.failure = failure(code, message);
  }
}

/**
 * Converts any thrown value to a failure. An unforeseen error has no code of its own and gets
 * `code`.
 */
export function toFailure(error: unknown, code: ErrorCode): Failure {
  if (error instanceof WireError) return error.failure;
  return failure(code, error instanceof Error ? error.message : String(error));
}
