import type { Answer } from "@fedclair/core/internal";

/**
 * Whether the client of an answer ran out of time. Its code may run on, and would be taken for that
 * of the next client, so the thread is replaced.
 */
export function isTimeout(answer: Answer): boolean {
  return "failure" in answer && answer.failure.code === "CLIENT_TIMEOUT";
}
