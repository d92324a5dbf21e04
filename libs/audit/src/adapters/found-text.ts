import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import type { FoundAdapters } from "./find-adapters.js";
import { listFirst } from "./names-text.js";

/** Maximum number of folders with a line each. */
const maxPlaces = 10;

/** Describes where adapters were found, and which links were not followed. */
export function formatFound({ places, links }: Pick<FoundAdapters, "places" | "links">): string[] {
  const sorted = places.toSorted((x, y) => y.adapters - x.adapters);
  const rest = sorted.slice(maxPlaces);
  const more = rest.reduce((total, { adapters }) => total + adapters, 0);
  return [
    ...sorted
      .slice(0, maxPlaces)
      .map(({ folder, adapters }) => `${countNoun(adapters, "adapter")} in ${oneLine(folder)}`),
    ...(rest.length > 0
      ? [`${countNoun(more, "adapter")} in ${countNoun(rest.length, "more folder")}`]
      : []),
    ...(links.length > 0 ? [`links are not followed: ${listFirst(links)}`] : []),
  ];
}
