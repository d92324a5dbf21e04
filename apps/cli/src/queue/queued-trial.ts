import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import { systemErrorCode, idPattern } from "@fedclair/runs";
import { z } from "zod";

/*
 * What stands in the queue is names, and nothing in it is believed: which trials there are stands in the folder of the sweep, where only
 * those can write whom the file system lets.
 */

/** In Valkey: keys begin with this, and the queue's name. */
export const prefix = "fedclair";
export const queueName = "trials";

/** One trial of a sweep. */
export const queuedTrialSchema = z.strictObject({
  /** The folder of the sweep, an absolute path. */
  folder: z.string().min(1).max(4096),
  /** Names its description. */
  sweep: z.string().regex(idPattern),
  /** The hash of the resolved trial. */
  trial: z.string().regex(idPattern),
});
export type QueuedTrial = Readonly<z.output<typeof queuedTrialSchema>>;

/** What a worker says of a trial: what it measured stands in the folder. */
export const resultSchema = z.strictObject({
  /** The machine that ran it. */
  host: z.string().max(256),
  /** It had been run before. */
  skipped: z.boolean(),
  /** Why the machine did not run it, and another one may. */
  refused: z.string().optional(),
  /** Why there are no numbers. */
  failed: z.object({ message: z.string(), exitCode: z.int().min(1).max(255) }).optional(),
});
export type Result = Readonly<z.output<typeof resultSchema>>;

/** What a worker says while it has a trial: the machine that runs it. */
export const progressSchema = z.object({ host: z.string().optional() });
export type Progress = Readonly<z.output<typeof progressSchema>>;

/** What a worker must know of a sweep; in its folder, by a name that is the hash of all of it. */
const descriptionSchema = z.object({
  version: z.string(),
  backend: z.string(),
  /** An absolute path. */
  file: z.string(),
  set: z.array(z.string()),
  /** A hash of the hashes of all its trials: another one when what the file says has changed. */
  trials: z.string(),
});
export type Description = Readonly<z.output<typeof descriptionSchema>>;

/** A trial is queued once, whoever asks for it; two folders are two trials. */
export function queueId({ folder, trial }: Pick<QueuedTrial, "folder" | "trial">): string {
  return `${trial}-${hashOf(resolve(folder))}`;
}

/** 16 hex digits. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export function descriptionFile(folder: string, sweep: string): string {
  return join(folder, `sweep-${sweep}.json`);
}

/** @throws UserError if this machine does not see it */
export async function readDescription({ folder, sweep }: QueuedTrial): Promise<Description> {
  const path = descriptionFile(folder, sweep);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UserError(
      `cannot read '${path}' (${systemErrorCode(error) ?? "?"}): expected the folder of the sweep, which all machines see at the same path`,
    );
  });
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`'${path}' is no description of a sweep that this release can read`);
  }
}
