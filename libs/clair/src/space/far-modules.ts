import type { ModuleDistance } from "@fedclair/core";
import { item, median } from "@fedclair/linalg";
import { minTangent } from "../measures/measures.js";
import { computeTangents, type Energies } from "./views.js";

/** More modules of a client would fill the records of large models. */
const mostListed = 3;

/**
 * A sign-flip, or a change of the usual direction in another size, lies no farther outside than
 * others. Its largest ratio is chance and must not look like an explanation.
 */
const leastRatio = 1.5;

/**
 * Lists the modules in which clients lie farthest outside the shared space: at most three with at
 * least 1.5 times the median tangent of the benign clients, the farthest first.
 * @param names of the modules
 * @param energies by view; the views of a module are neighbours
 * @param benign indices of the clients to compare with
 * @param wanted indices of the clients to list
 * @returns the lists by index; clients without such a module are left out, and so are all if there
 *   is a single module or no benign client
 */
export function listFarModules(
  names: readonly string[],
  energies: readonly Energies[],
  benign: readonly number[],
  wanted: readonly number[],
): Map<number, readonly ModuleDistance[]> {
  if (names.length < 2 || benign.length === 0 || wanted.length === 0) return new Map();
  const sides = energies.length / names.length;
  const modules = names.map((module, m) => {
    const tangents = computeTangents(energies.slice(m * sides, (m + 1) * sides));
    const tangentOf = (k: number) => Math.max(item(tangents, k), minTangent);
    return { module, tangentOf, usual: median(benign.map(tangentOf)) };
  });
  return new Map(
    wanted.flatMap((k) => {
      const far = modules
        .map(({ module, tangentOf, usual }) => ({ module, ratio: tangentOf(k) / usual }))
        .filter(({ ratio }) => ratio >= leastRatio)
        .sort((x, y) => y.ratio - x.ratio)
        .slice(0, mostListed)
        // Every record repeats the numbers, and nobody needs more digits.
        .map(({ module, ratio }) => ({ module, ratio: Number(ratio.toPrecision(3)) }));
      return far.length === 0 ? [] : [[k, far] as const];
    }),
  );
}
