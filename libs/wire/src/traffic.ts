import type { ErrorCode } from "@fedclair/core/internal";

/** What went over the wire since the start, and how long it took: frames and replies, without the few bytes of websocket headers. */
export class Traffic {
  bytesSent = 0;
  bytesReceived = 0;
  messagesSent = 0;
  messagesReceived = 0;
  /** That this end wrote messages for. */
  encodeSeconds = 0;
  /** That it read messages for. */
  decodeSeconds = 0;
  /** That hosts worked on the jobs whose updates were taken, as they say. */
  workSeconds = 0;
  /** How often this end refused a message, by code. */
  readonly refused = new Map<ErrorCode, number>();

  /** @param since of performance.now() */
  encodedSince(since: number): void {
    this.encodeSeconds += (performance.now() - since) / 1000;
  }

  /** @param since of performance.now() */
  decodedSince(since: number): void {
    this.decodeSeconds += (performance.now() - since) / 1000;
  }

  countRefusal(code: ErrorCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}
