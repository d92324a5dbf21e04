import type { ClairResult } from "./clair.js";

/**
 * How far each module of each client lies outside its shared space: the tangent |QX|/|PX| in the module's own coordinates, which
 * shows what gives a client away. Infinite outside altogether, 0 of a module that was not changed.
 * @returns tangents by module, by client id; clients that were not compared have none
 */
export async function moduleTangents({
  active,
  modules,
  parts,
}: Pick<ClairResult, "active" | "modules" | "parts">): Promise<Map<string, Map<string, number>>> {
  const tangents = await parts.each("tangents");
  return new Map(
    active.map(({ id, index }) => [
      id,
      new Map(modules.map((module, m) => [module, tangents[m]?.[index] ?? NaN])),
    ]),
  );
}
