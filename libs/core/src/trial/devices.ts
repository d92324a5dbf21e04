import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import type { Trace, TraceRow } from "./trace.js";

const spread = z.strictObject({
  median: z.number().positive(),
  sigma: z
    .number()
    .min(0)
    .max(5)
    .default(0)
    .describe("Standard deviation of the logarithm over clients."),
});

/** What clients would take if they were devices of their own: the key `devices` of a trial file. */
export const devicesSchema = z
  .strictObject({
    seconds: spread.optional().describe("Seconds a client trains for a round, log-normal."),
    bytesPerSecond: spread
      .optional()
      .describe("A client's link, the same both ways, log-normal. Default: messages take no time."),
    jitter: z
      .number()
      .min(0)
      .max(5)
      .default(0)
      .describe("From round to round: standard deviation of the logarithm of a client's seconds."),
    available: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .describe("Chance that a client can be asked, drawn anew in each round."),
    trace: z
      .string()
      .min(1)
      .optional()
      .describe(
        "In place of seconds and bytesPerSecond: a CSV file of devices (docs/schedules.md).",
      ),
  })
  .refine(
    ({ seconds, bytesPerSecond, trace }) =>
      trace === undefined ? seconds !== undefined : !seconds && !bytesPerSecond,
    "expected seconds, or trace without seconds and bytesPerSecond",
  );

export type DevicesOptions = z.output<typeof devicesSchema>;

/** How long a client takes for its part of a round. */
export interface Span {
  readonly seconds: number;
  /** It went away before its answer was there. */
  readonly isLeft: boolean;
}

/** Simulated time: how fast clients are, and when they are there. It follows from the trial alone. */
export class Devices {
  readonly #options: DevicesOptions;
  readonly #trace: Trace | undefined;
  readonly #rng: Stream;
  readonly #index: ReadonlyMap<string, number>;

  /** @param trace what `options.trace` names; client i is its device i, and begins anew behind the last */
  constructor(
    options: DevicesOptions,
    clientIds: readonly string[],
    rng: Stream,
    trace: Trace | undefined,
  ) {
    this.#options = options;
    this.#trace = trace;
    this.#rng = rng.at("devices");
    this.#index = new Map(clientIds.map((id, i) => [id, i]));
  }

  /** Can it be asked at this time? @param clock simulated seconds since the trial began */
  isThere(clientId: string, round: number, clock: number): boolean {
    if (this.#trace && !this.#at(clientId, clock)) return false;
    const { available } = this.#options;
    return available === 1 || this.#rng.at("available", round, clientId).uniform() < available;
  }

  /** Of a client that is asked at this time. @param bytes of the messages to it and from it, together */
  span(clientId: string, round: number, clock: number, bytes: number): Span {
    const device = this.#at(clientId, clock);
    if (!device) return { seconds: 0, isLeft: true };
    const { jitter } = this.#options;
    const factor = Math.exp(jitter * this.#rng.at("jitter", round, clientId).normal());
    const seconds = device.seconds * factor + bytes / device.bytesPerSecond;
    const stays = device.to - (clock % (this.#trace?.period ?? Infinity));
    return seconds <= stays ? { seconds, isLeft: false } : { seconds: stays, isLeft: true };
  }

  /** Seconds until it is worth asking again, when nobody is there. */
  idle(clock: number): number {
    return this.#trace?.untilNext(clock) ?? this.#options.seconds?.median ?? 0;
  }

  /** The device of a client as it is at this time; undefined if it is not there. */
  #at(clientId: string, clock: number): TraceRow | undefined {
    const index = this.#index.get(clientId) ?? 0;
    if (this.#trace) return this.#trace.at(index, clock);
    const { seconds, bytesPerSecond } = this.#options;
    const draw = (what: string, of: typeof seconds, otherwise: number) =>
      of ? of.median * Math.exp(of.sigma * this.#rng.at(what, clientId).normal()) : otherwise;
    return {
      seconds: draw("seconds", seconds, 0),
      bytesPerSecond: draw("link", bytesPerSecond, Infinity),
      ...{ from: 0, to: Infinity },
    };
  }
}
