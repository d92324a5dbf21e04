import { join } from "node:path";
import { hostStatusSchema, printable } from "@fedclair/core/internal";
import { z } from "zod";
import { readJson } from "./read-json.js";

/** The file in a run folder. */
export const activityFile = "activity.json";

/** Number of hosts that are listed. */
export const maxListedHosts = 256;

const text = z.string().transform((value) => printable(value, 200));

/** What a running trial does at the moment, as `activity.json` in its folder says. */
const activitySchema = z.object({
  /** When it was written, ISO 8601. A live process writes it every few seconds. */
  written: text,
  /** The current arm and round; absent before the first one. */
  arm: text.optional(),
  round: z.number().optional(),
  doing: z.enum(["waiting", "training", "aggregating", "measuring", "finished"]),
  /** Clients of the round's cohort, and how many of them have answered. */
  asked: z.number(),
  answered: z.number(),
  /** The client hosts; empty if the clients are in the same process. */
  hosts: z.array(hostStatusSchema).max(maxListedHosts).readonly(),
});
export type Activity = Readonly<z.output<typeof activitySchema>>;

/** Reads what a run does or last did. Returns undefined if its folder does not say. */
export function readActivity(folder: string): Activity | undefined {
  return readJson(join(folder, activityFile), activitySchema, 2 ** 20);
}
