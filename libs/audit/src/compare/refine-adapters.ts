import { blendToPairs, refineToPairs, type ClairOptions, type ClairResult } from "@fedclair/clair";
import { blends } from "@fedclair/core/internal";
import { groupByAdapter, type RefineRequest } from "../refine/refined-pairs.js";
import { expandAll, type Pile } from "./pile.js";

/** Computes the requested refined adapters. */
export async function refineAdapters(
  result: ClairResult,
  pile: Pile,
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
    await take(kind, refined);
  }
}
