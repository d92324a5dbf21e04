import { blendToPairs, refineToPairs, type ClairOptions, type ClairResult } from "@fedclair/clair";
import { blends } from "@fedclair/core/internal";
import { groupByAdapter, type RefineRequest } from "../refine/refined-pairs.js";
import { expandAll, type Pile } from "./pile.js";

/**
 * Computes the requested refined adapters.
 * @param firsts the adapter that was compared in the place of each copy, by copy
 */
export async function refineAdapters(
  result: ClairResult,
  pile: Pile,
  firsts: ReadonlyMap<string, string>,
  options: ClairOptions,
  { kinds, undecided, take }: RefineRequest,
): Promise<void> {
  for (const kind of kinds) {
    const pairs =
      kind === "clair"
        ? await refineToPairs(result, options)
        : await blendToPairs(result, options, blends[kind]);
    const refined = groupByAdapter(expandAll(pile, pairs));
    for (const name of undecided ? [] : refined.keys()) {
      if (result.status.get(name) !== "benign") refined.delete(name);
    }
    for (const [copy, first] of firsts) {
      const own = refined.get(first);
      if (own) refined.set(copy, own);
    }
    await take(kind, refined);
  }
}
