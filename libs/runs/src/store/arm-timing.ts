import type { RoundTiming } from "@fedclair/core/internal";

/** A line of `timings.jsonl`. It contains the values that depend on the machine. */
export interface ArmTiming {
  readonly arm: string;
  readonly round: number;
  readonly seconds: RoundTiming;
  /** Seconds spent writing since the previous line: the rest of that round, and its checkpoint. */
  readonly writeSeconds: number;
  /** The link of the round (chain.ts), which proves that its record is unchanged. */
  readonly chain: string;
  /** Peak resident memory of the coordinator so far, in bytes. */
  readonly coordinatorRss: number;
  /** Present if the clients were reached through sockets. */
  readonly wire?: WireTraffic;
}

/** Traffic over the coordinator's sockets since its start. */
export interface WireTraffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Seconds that the coordinator spent writing and reading messages. */
  readonly encodeSeconds: number;
  readonly decodeSeconds: number;
  /** Seconds that hosts spent on jobs. */
  readonly workSeconds: number;
  /** The largest peak of a host's process of clients in bytes, if hosts measure it. */
  readonly hostMemory?: number;
  /** The largest peak of a host's tensors on GPUs in bytes, if there are any. */
  readonly deviceMemory?: number;
}
