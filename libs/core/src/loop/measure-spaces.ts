import { addScaled, item, multiply, multiplyTN, thinSvd } from "@fedclair/linalg";
import type { Aggregation } from "../contracts/aggregator.js";
import type { Task } from "../contracts/task.js";
import { toMatrix } from "../tensors/matrix.js";
import type { Metrics } from "../tensors/update.js";

/**
 * Measures how far the spaces that an aggregator found are from the true ones: the largest sine of
 * a principal angle, |U − ÛÛᵀU|₂, as `sine.` and the module's name. It is 0 if the found space
 * contains the true one, so read it together with the rank.
 */
export function measureSpaces(
  { sharedSpaces }: Pick<Task, "sharedSpaces">,
  { spaces }: Pick<Aggregation, "spaces">,
): Metrics {
  const sines = [...(sharedSpaces ?? [])].flatMap(([module, truth]): [string, number][] => {
    const space = spaces?.get(module);
    if (space === undefined) return [];
    const [u, found] = [toMatrix(truth), toMatrix(space)];
    if (u.rows !== found.rows) return [];
    const outside = u.copy();
    addScaled(outside, -1, multiply(found, multiplyTN(found, u)));
    return [[`sine.${module}`, item(thinSvd(outside).s, 0)]];
  });
  return Object.fromEntries(sines);
}
