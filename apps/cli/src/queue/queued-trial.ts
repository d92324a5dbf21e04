import { createHash } from "node:crypto";
import { UserError } from "@fedclair/core";
import { idPattern, version } from "@fedclair/runs";
import { z } from "zod";

/*
 * The queue has one job for each trial: the ids of its sweep and of the trial. The sweep itself is
 * under a key that expires soon after the process that queued it has ended. A worker that has taken
 * a job asks that process for the files of the trial's run, and sends it the files that it writes.
 */

/** Keys in Valkey begin with this prefix and the queue's name. */
export const prefix = "fedclair";
export const queueName = "trials";

/** One trial of a sweep. */
export const queuedTrialSchema = z.strictObject({
  /** The id of the sweep, where it also receives messages. */
  sweep: z.string().regex(idPattern),
  /** The hash of the resolved trial. */
  trial: z.string().regex(idPattern),
});
export type QueuedTrial = Readonly<z.output<typeof queuedTrialSchema>>;

/** What workers need to know about a sweep. */
const sweepSchema = z.object({
  version: z.literal(version),
  backend: z.string(),
  /** The path of its file, from which paths in it start. */
  file: z.string().max(4096),
  text: z.string(),
  set: z.array(z.string()),
  /** The hashes of the modules of plug-ins that it names, in their order. */
  modules: z.array(z.string()),
});
export type QueuedSweep = Readonly<z.output<typeof sweepSchema>>;

/** The key of a sweep in Valkey. */
export function sweepKey(sweep: string): string {
  return `${prefix}:sweep:${sweep}`;
}

/** Reads a sweep that is stored in Valkey. @throws UserError if it is of another release */
export function readQueuedSweep(text: string): QueuedSweep {
  const content: unknown = JSON.parse(text);
  const { data } = sweepSchema.safeParse(content);
  if (data) return data;
  const { version: other } = z.looseObject({ version: z.string() }).parse(content);
  throw new UserError(
    `this worker is of fedclair ${version}, the sweep was queued by ${other}: install the same`,
  );
}

const count = z.int().min(0);
const name = z.string().max(256);

/** What a worker asks of a sweep about the trial that it runs. */
const actionSchema = z.discriminatedUnion("do", [
  /** Takes the trial, and lists the files from which its run can go on. */
  z.object({ do: z.literal("take") }),
  /** Reads a piece of such a file. */
  z.object({ do: z.literal("read"), name, at: count }),
  z.object({
    do: z.literal("offer"),
    parts: z
      .array(z.object({ name, from: count, size: count }).refine((one) => one.from <= one.size))
      .max(100),
  }),
  z.object({ do: z.literal("piece"), name, at: count }),
  z.object({
    do: z.literal("commit"),
    sent: z.array(z.object({ name, sha256: z.string().length(64) })).max(100),
    names: z.array(name).max(100),
  }),
  /** Ends the trial: all of its run has arrived, or the trial has failed. */
  z.object({
    do: z.literal("end"),
    failed: z.object({ message: z.string(), exitCode: z.int().min(1).max(255) }).optional(),
  }),
  /** Rejects the trial, which another worker may still run. */
  z.object({ do: z.literal("refuse"), why: z.string() }),
]);
export type Action = Readonly<z.output<typeof actionSchema>>;

export const requestSchema = z.object({
  /** Differs between requests; the same when one is repeated. */
  id: z.uuid(),
  /** Where the worker receives the reply. */
  from: z.uuid(),
  /** The machine of the worker. */
  host: z.string().max(256),
  trial: z.string().regex(idPattern),
  /** The token with which the queue gave the trial to the worker, and to nobody after it. */
  token: z.string().max(256),
  action: actionSchema,
});
export type Request = Readonly<z.output<typeof requestSchema>>;

export const replySchema = z.object({
  id: z.uuid(),
  /**
   * `again`: everything must be sent again; `later`: the same can be asked later; `lost`: the trial
   * is not the worker's any more.
   */
  outcome: z.enum(["done", "again", "later", "lost", "refused"]),
  why: z.string().optional(),
  files: z.array(z.object({ name, size: count })).optional(),
});
export type Reply = Readonly<z.output<typeof replySchema>>;

/** The queue's id for a trial. */
export function queueId({ sweep, trial }: QueuedTrial): string {
  return `${trial}-${sweep}`;
}

/** Hashes a text to 16 hexadecimal digits. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
