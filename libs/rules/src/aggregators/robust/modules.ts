import type { Delta, Update } from "@fedclair/core";
import { requireModule } from "../mean.js";
import type { Changes } from "./blocks.js";
import { applyByCoordinate, type CoordinateRule } from "./coordinates.js";
import type { Matrix } from "@fedclair/linalg";

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

/**
 * Applies a coordinate-wise rule to every module and returns one dense term.
 * @param mixing see `applyByCoordinate`
 */
export async function aggregateCoordinates(
  updates: readonly Update[],
  rule: CoordinateRule,
  mixing?: Matrix,
): Promise<Delta[]> {
  const term = new Map<string, Awaited<ReturnType<typeof applyByCoordinate>>>();
  for (const [name, changes] of groupByModule(updates)) {
    term.set(name, await applyByCoordinate(changes, rule, mixing));
  }
  return [term];
}
