import type { ErrorCode } from "@fedclair/core";

/** What went over the wire since the start: frames and replies, without the few bytes of websocket headers. */
export class Traffic {
  bytesSent = 0;
  bytesReceived = 0;
  messagesSent = 0;
  messagesReceived = 0;
  /** How often this end refused a message, by code. */
  readonly refused = new Map<ErrorCode, number>();

  countRefusal(code: ErrorCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}
