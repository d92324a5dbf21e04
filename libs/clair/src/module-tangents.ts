import { item, zip } from "@fedclair/linalg";
import type { ClairResult } from "./clair.js";
import { indicesOf } from "./updates/sanitise.js";

/**
 * Computes how far each module of each client lies outside its shared space, to show which modules
 * make a client stand out. It is the tangent |QX|/|PX| in the module's own coordinates: infinite
 * completely outside, 0 for an unchanged module.
 * @returns tangents by module, by client id; clients that were not compared have none
 */
export async function moduleTangents({
  active,
  modules,
  spaces,
}: Pick<ClairResult, "active" | "modules" | "spaces">): Promise<Map<string, Map<string, number>>> {
  if (active.length === 0) return new Map();
  const bySpace = [...spaces.values()];
  const tangents = await modules.each((module, m) =>
    module.ask("tangents", item(bySpace, m), indicesOf(active)),
  );
  const of = (k: number) =>
    new Map(zip(modules.names, tangents).map(([name, t]) => [name, item(t, k)]));
  return new Map(active.map(({ id }, k) => [id, of(k)]));
}
