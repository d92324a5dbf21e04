import type { Delta, Update } from "@fedclair/core";
import { moduleOf } from "../mean.js";
import type { Changes } from "./blocks.js";
import { byCoordinate, type CoordinateRule } from "./coordinates.js";
import type { Matrix } from "@fedclair/linalg";

/**
 * The clients' changes module by module, in the order of the names.
 * @throws UserError if a client lacks a module that the first one has
 */
export function changesByModule(updates: readonly Update[]): ReadonlyMap<string, Changes> {
  const names = [...(updates[0]?.delta.keys() ?? [])].sort();
  return new Map(names.map((name) => [name, updates.map((update) => moduleOf(update, name))]));
}

/** By client id, so that a tie between two clients does not depend on who comes first. */
export function byId(updates: readonly Update[]): readonly Update[] {
  return updates.toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1));
}

/** A rule of single coordinates applied to every module: one dense term. @param mixing see `byCoordinate` */
export async function everyCoordinate(
  updates: readonly Update[],
  rule: CoordinateRule,
  mixing?: Matrix,
): Promise<Delta[]> {
  const term = new Map<string, Awaited<ReturnType<typeof byCoordinate>>>();
  for (const [name, changes] of changesByModule(updates)) {
    term.set(name, await byCoordinate(changes, rule, mixing));
  }
  return [term];
}
