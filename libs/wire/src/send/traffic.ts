import type { ErrorCode } from "@fedclair/core/internal";

/**
 * Counts the bytes and messages sent since the start, and the time they took: frames and replies,
 * without the few bytes of websocket headers.
 */
export class Traffic {
  bytesSent = 0;
  bytesReceived = 0;
  messagesSent = 0;
  messagesReceived = 0;
  /** Seconds that this end spent encoding messages. */
  encodeSeconds = 0;
  /** Seconds that this end spent decoding messages. */
  decodeSeconds = 0;
  /** Seconds that hosts spent on the jobs whose updates were accepted, as reported by the hosts. */
  workSeconds = 0;
  /** Bytes: the largest peak of a host's process of clients, as reported by the hosts. */
  hostMemory = 0;
  /** Bytes: the largest peak of a host's tensors on GPUs. */
  deviceMemory = 0;
  /** Number of messages that this end refused, by code. */
  readonly refused = new Map<ErrorCode, number>();

  /** @param since a value of performance.now() */
  encodedSince(since: number): void {
    this.encodeSeconds += (performance.now() - since) / 1000;
  }

  /** @param since a value of performance.now() */
  decodedSince(since: number): void {
    this.decodeSeconds += (performance.now() - since) / 1000;
  }

  countRefusal(code: ErrorCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}
