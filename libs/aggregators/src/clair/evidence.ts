import type { Update } from "@fedclair/core";
import { splitEnergy } from "@fedclair/linalg";
import { compress } from "./change.js";
import type { SharedSpace } from "./locate.js";
import { sanitise } from "./sanitise.js";

/**
 * How far each module of each client lies outside its shared space: the tangent |QX|/|PX| in the module's own coordinates, which
 * shows what gives a client away. Infinite outside altogether, 0 of a module that was not changed.
 * @param spaces of every module, as `clair` finds them
 * @returns tangents by module, by client id; clients with other modules than most have none
 */
export function moduleTangents(
  updates: readonly Update[],
  spaces: ReadonlyMap<string, SharedSpace>,
): Map<string, Map<string, number>> {
  const { active } = sanitise(updates, 0);
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
