import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import { systemErrorCode, idPattern } from "@fedclair/runs";
import { z } from "zod";

/*
 * The queue contains only names, which are not trusted. The trials themselves are defined in the
 * sweep's folder, which is protected by file permissions.
 */

/** Keys in Valkey begin with this prefix and the queue's name. */
export const prefix = "fedclair";
export const queueName = "trials";

/** One trial of a sweep. */
export const queuedTrialSchema = z.strictObject({
  /** The folder of the sweep, an absolute path. */
  folder: z.string().min(1).max(4096),
  /** The id of the sweep's description. */
  sweep: z.string().regex(idPattern),
  /** The hash of the resolved trial. */
  trial: z.string().regex(idPattern),
});
export type QueuedTrial = Readonly<z.output<typeof queuedTrialSchema>>;

/** A worker's result for a trial. The measured values are in the sweep's folder. */
export const resultSchema = z.strictObject({
  /** The machine that ran it. */
  host: z.string().max(256),
  /** True if the trial had already been run. */
  skipped: z.boolean(),
  /** Why this worker has rejected the trial; another worker may still run it. */
  refused: z.string().optional(),
  /** Why the trial has failed. */
  failed: z.object({ message: z.string(), exitCode: z.int().min(1).max(255) }).optional(),
});
export type Result = Readonly<z.output<typeof resultSchema>>;

/** A worker's progress while it has a trial: the machine that runs it. */
export const progressSchema = z.object({ host: z.string().optional() });
export type QueuedProgress = Readonly<z.output<typeof progressSchema>>;

/**
 * What workers need to know about a sweep. The file is in the sweep's folder and named after its
 * own hash.
 */
const descriptionSchema = z.object({
  version: z.string(),
  backend: z.string(),
  /** An absolute path. */
  file: z.string(),
  /** The hash of the file's text: a worker reads no other file, whose text an error could quote. */
  text: z.string().regex(idPattern),
  set: z.array(z.string()),
  /** A hash over the hashes of all trials; it changes with the content of the sweep file. */
  trials: z.string(),
});
export type QueuedDescription = Readonly<z.output<typeof descriptionSchema>>;

/** The queue's id for a trial. Equal trials in one folder are queued only once. */
export function queueId({ folder, trial }: Pick<QueuedTrial, "folder" | "trial">): string {
  return `${trial}-${hashOf(resolve(folder))}`;
}

/** Hashes a text to 16 hexadecimal digits. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export function descriptionFile(folder: string, sweep: string): string {
  return join(folder, `sweep-${sweep}.json`);
}

/** Reads the description of a sweep. @throws UserError if this machine cannot access it */
export async function readDescription({ folder, sweep }: QueuedTrial): Promise<QueuedDescription> {
  const path = descriptionFile(folder, sweep);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UserError(
      `cannot read '${path}' (${systemErrorCode(error) ?? "?"}): expected the folder of the sweep, which all machines must see at the same path`,
    );
  });
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`'${path}' is not a sweep description that this release can read`);
  }
}
