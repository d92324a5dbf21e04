import { splitEnergy } from "@fedclair/linalg";
import { compress } from "./change.js";
import type { ClairResult } from "./clair.js";

/**
 * How far each module of each client lies outside its shared space: the tangent |QX|/|PX| in the module's own coordinates, which
 * shows what gives a client away. Infinite outside altogether, 0 of a module that was not changed.
 * @returns tangents by module, by client id; clients that were not compared have none
 */
export function moduleTangents({
  active,
  spaces,
}: Pick<ClairResult, "active" | "spaces">): Map<string, Map<string, number>> {
  return new Map(
    active.map(({ id, modules }) => [
      id,
      new Map(
        [...modules].map(([module, change]) => {
          const { left, right } = spaces.get(module) ?? {};
          let inside = 0;
          let outside = 0;
          for (const [basis, side] of [
            [left, "left"],
            [right, "right"],
          ] as const) {
            if (basis === undefined) continue;
            const split = splitEnergy(basis, compress(change, side));
            inside += split.inside;
            outside += split.outside;
          }
          return [module, outside === 0 ? 0 : Math.sqrt(outside / inside)];
        }),
      ),
    ]),
  );
}
