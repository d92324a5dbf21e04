import type { Update } from "@fedclair/core";
import { requireModule } from "../mean.js";
import type { Changes } from "./blocks.js";

/**
 * The clients' changes by module, sorted by module name.
 * @throws UserError if a client lacks a module that the first one has
 */
export function groupByModule(updates: readonly Update[]): ReadonlyMap<string, Changes> {
  const names = [...(updates[0]?.delta.keys() ?? [])].sort();
  return new Map(names.map((name) => [name, updates.map((update) => requireModule(update, name))]));
}

/** Sorts updates by client id, so that a tie between two clients does not depend on their order. */
export function sortById(updates: readonly Update[]): readonly Update[] {
  return updates.toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1));
}
