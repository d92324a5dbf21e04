import { join } from "node:path";
import { printable, type HostStatus } from "@fedclair/core/internal";
import { z } from "zod";
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

/** Number of hosts that are listed. */
export const maxListedHosts = 256;

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
