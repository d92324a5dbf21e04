import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import { clientIndexOf } from "../contracts/clients.js";
import type { Trace, TraceRow } from "./trace.js";

const sigma = z.number().min(0).max(5).default(0);
const spread = z.strictObject({
  median: z.number().positive(),
  sigma: sigma.describe("Standard deviation of the logarithm over clients."),
});

/** The speed and availability of simulated client devices: the key `devices` of a trial file. */
export const devicesSchema = z
  .strictObject({
    seconds: spread
      .optional()
      .describe("Seconds that a client trains in a round, log-normal over clients."),
    bytesPerSecond: spread
      .optional()
      .describe(
        "Speed of a client's link in both directions, log-normal over clients. Default: infinite.",
      ),
    jitter: sigma.describe(
      "Standard deviation of the logarithm of one client's seconds, over rounds.",
    ),
    available: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .describe("Probability that a client is available, drawn again in each round."),
    trace: z
      .string()
      .min(1)
      .optional()
      .describe(
        "A CSV file of devices (docs/schedules.md), which replaces seconds and bytesPerSecond.",
      ),
  })
  .refine(
    ({ seconds, bytesPerSecond, trace }) =>
      trace === undefined ? seconds !== undefined : !seconds && !bytesPerSecond,
    "expected seconds, or trace without seconds and bytesPerSecond",
  );

type DevicesOptions = z.output<typeof devicesSchema>;

/** The time that a client takes for its part of a round. */
export interface Span {
  readonly seconds: number;
  /** Did the client go away before it answered? `seconds` then ends at that moment. */
  readonly isLeft: boolean;
}

/** Simulates how fast clients are and when they are available. It depends only on the trial. */
export class Devices {
  readonly #options: DevicesOptions;
  readonly #trace: Trace | undefined;
  readonly #rng: Stream;
  readonly #clients: number;

  /**
   * @param clients the number of clients of the trial
   * @param trace the content of `options.trace`; client i uses device i, and the devices repeat if
   * there are more clients
   */
  constructor(options: DevicesOptions, clients: number, rng: Stream, trace: Trace | undefined) {
    this.#options = options;
    this.#trace = trace;
    this.#rng = rng.at("devices");
    this.#clients = clients;
  }

  /** Can the client be asked? @param clock the simulated seconds since the trial began */
  isThere(clientId: string, round: number, clock: number): boolean {
    if (this.#trace && !this.#at(clientId, clock)) return false;
    const { available } = this.#options;
    return available === 1 || this.#rng.at("available", round, clientId).uniform() < available;
  }

  /**
   * Returns the time that a client takes if it is asked at `clock`.
   * @param bytes the size of the messages to and from the client together
   */
  span(clientId: string, round: number, clock: number, bytes: number): Span {
    const device = this.#at(clientId, clock);
    if (!device) return { seconds: 0, isLeft: true };
    const { jitter } = this.#options;
    const factor = Math.exp(jitter * this.#rng.at("jitter", round, clientId).normal());
    const seconds = device.seconds * factor + bytes / device.bytesPerSecond;
    const stays = device.to - (clock % (this.#trace?.period ?? Infinity));
    return seconds <= stays ? { seconds, isLeft: false } : { seconds: stays, isLeft: true };
  }

  /** Returns the seconds to wait before asking again if no client is available. */
  idle(clock: number): number {
    return this.#trace?.untilNext(clock) ?? this.#options.seconds?.median ?? 0;
  }

  /** Returns the device of a client at `clock`; undefined if the client is not available. */
  #at(clientId: string, clock: number): TraceRow | undefined {
    if (this.#trace) return this.#trace.at(clientIndexOf(clientId, this.#clients), clock);
    const { seconds, bytesPerSecond } = this.#options;
    const draw = (key: string, over: typeof seconds, otherwise: number) =>
      over ? over.median * Math.exp(over.sigma * this.#rng.at(key, clientId).normal()) : otherwise;
    return {
      seconds: draw("seconds", seconds, 0),
      bytesPerSecond: draw("link", bytesPerSecond, Infinity),
      from: 0,
      to: Infinity,
    };
  }
}
