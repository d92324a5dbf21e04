import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { printable, type HostStatus } from "@fedclair/core/internal";
import { z } from "zod";
import type { ArmEvent } from "../run-trial.js";
import { readText } from "./regular-file.js";

/** What a running trial does at the moment, as `activity.json` in its folder says. */
export interface Activity {
  /** When it was written, ISO 8601. A live process writes it every few seconds. */
  readonly written: string;
  /** The current arm and round; absent before the first one. */
  readonly arm?: string | undefined;
  readonly round?: number | undefined;
  readonly doing: Doing;
  /** Clients of the round's cohort, and how many of them have answered. */
  readonly asked: number;
  readonly answered: number;
  /** The client hosts; empty if the clients are in the same process. */
  readonly hosts: readonly HostStatus[];
}

const doings = ["waiting", "training", "aggregating", "measuring", "finished"] as const;
type Doing = (typeof doings)[number];

/** The file in a run folder. */
export const activityFile = "activity.json";

/** Time between two writes while something happens, and while nothing does, in ms. */
const busyPause = 1000;
const idlePause = 5000;

/** Number of hosts that are listed. */
export const maxListedHosts = 256;

/** Writes what a running trial does to its folder, at most once a second. */
export class ActivityWriter {
  readonly #path: string;
  readonly #hosts: () => readonly HostStatus[];
  #state: Omit<Activity, "written" | "hosts"> = { doing: "waiting", asked: 0, answered: 0 };
  #timer: NodeJS.Timeout | undefined;
  #isDue = 0;

  constructor(folder: string, hosts: () => readonly HostStatus[] = () => []) {
    this.#path = join(folder, activityFile);
    this.#hosts = hosts;
    this.#schedule(busyPause);
  }

  event({ arm, event }: ArmEvent): void {
    const { doing, asked, answered } = this.#state;
    if (event.kind === "sampled") {
      const { round, cohort } = event;
      this.#state = {
        arm: arm.label,
        round,
        doing: "training",
        asked: cohort.length,
        answered: 0,
      };
    } else if (event.kind === "answered" && doing === "training") {
      // Clients answer again when they measure.
      const next = answered + 1 === asked ? "aggregating" : doing;
      this.#state = { ...this.#state, doing: next, answered: answered + 1 };
    } else if (event.kind === "aggregated") this.#state = { ...this.#state, doing: "measuring" };
    this.#schedule(busyPause);
  }

  /** Writes the file for the last time. */
  close(): void {
    clearTimeout(this.#timer);
    this.#isDue = -1;
    this.#state = { ...this.#state, doing: "finished" };
    this.#write();
  }

  #schedule(pause: number): void {
    const due = performance.now() + pause;
    if (this.#isDue < 0 || (this.#isDue > 0 && this.#isDue <= due)) return;
    clearTimeout(this.#timer);
    this.#isDue = due;
    this.#timer = setTimeout(() => {
      this.#isDue = 0;
      this.#schedule(idlePause);
      this.#write();
    }, pause).unref();
  }

  /**
   * Writes in place: a reader that finds half of the file keeps what it read before. A link in its
   * place is not followed. Nothing depends on the file, so a full disk is ignored.
   */
  #write(): void {
    const hosts = this.#hosts().slice(0, maxListedHosts);
    const activity: Activity = { written: new Date().toISOString(), ...this.#state, hosts };
    try {
      const file = openSync(this.#path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
      try {
        writeSync(file, JSON.stringify(activity) + "\n");
      } finally {
        closeSync(file);
      }
    } catch {
      return;
    }
  }
}

/** Windows has no O_NOFOLLOW. */
const {
  O_WRONLY,
  O_CREAT,
  O_TRUNC,
  O_NOFOLLOW = 0,
} = constants as Pick<typeof constants, "O_WRONLY" | "O_CREAT" | "O_TRUNC"> &
  Partial<typeof constants>;

const text = z.string().transform((value) => printable(value, 200));
const count = z.number();
const host = z.object({
  name: text,
  address: text,
  version: text,
  external: z.boolean(),
  capacity: count,
  clients: text,
  clientCount: count,
  openJobs: count,
  bytesSent: count,
  bytesReceived: count,
  lag: count.optional(),
  joined: text,
  lastSeen: text,
  lost: z.object({ at: text, reason: text }).optional(),
  returns: count,
});
const shape = z.object({
  written: text,
  arm: text.optional(),
  round: count.optional(),
  doing: z.enum(doings),
  asked: count,
  answered: count,
  hosts: z.array(host).max(maxListedHosts),
});

/** Reads what a run does or last did. Returns undefined if its folder does not say. */
export function readActivity(folder: string): Activity | undefined {
  try {
    return shape.safeParse(JSON.parse(readText(join(folder, activityFile), 2 ** 20))).data;
  } catch {
    return undefined;
  }
}
