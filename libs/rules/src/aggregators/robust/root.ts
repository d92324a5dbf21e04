import { UserError, type Update } from "@fedclair/core";
import { z } from "zod";

/** The trusted client of a rule that compares all others with it. */
export const root = z
  .string()
  .optional()
  .describe("Id of the trusted client, such as c00; default: the first client of the first round.");

/** @throws UserError if the trial has no such client */
export function requireRoot(root: string | undefined, ids: readonly string[]): void {
  if (root === undefined || ids.includes(root)) return;
  const range = `${ids[0] ?? ""} to ${ids.at(-1) ?? ""}`;
  throw new UserError(`root: expected an id from ${range}, got '${root}'`);
}

/**
 * Finds the trusted client's update in a round.
 * @param updates sorted by id
 * @param trusted the trusted client's id; default: the first client, which stays the root
 * @returns its index; -1 if it did not answer
 */
export function findRoot(updates: readonly Update[], trusted?: string): number {
  const id = trusted ?? updates[0]?.clientId;
  return updates.findIndex(({ clientId }) => clientId === id);
}
