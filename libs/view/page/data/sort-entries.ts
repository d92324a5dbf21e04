import type { Entry } from "../../src/data/protocol.js";
import { compareKeys, type SortValue } from "./compare-keys.js";

/** The columns of the list of runs, each with what its rows are sorted by. */
export const sortable: readonly (readonly [name: string, key: (entry: Entry) => SortValue])[] = [
  ["run", ({ path }) => path],
  ["verdict", ({ card }) => card && tones.indexOf(card.tone)],
  ["primary measure", ({ primary }) => primary?.value],
  ["status", ({ status }) => status],
  ["done", ({ done, of }) => (of === 0 ? undefined : done / of)],
  ["task", ({ task }) => task],
  ["method", ({ aggregator }) => aggregator],
  ["seed", ({ seed }) => seed],
  ["began", ({ started }) => started],
];

/** From the worst to the best. */
const tones: readonly string[] = ["bad", "open", "plain", "good"];

/** @param sort the name of a column, after a minus for descending order */
export function directionOf(sort: string): "ascending" | "descending" {
  return sort.startsWith("-") ? "descending" : "ascending";
}

/** Sorts the entries by a column; those without a value come last. */
export function sortEntries(entries: readonly Entry[], sort: string): readonly Entry[] {
  const key = sortable.find(([name]) => name === sort.replace("-", ""))?.[1];
  if (!key) return entries;
  const direction = directionOf(sort) === "ascending" ? 1 : -1;
  return entries.toSorted((a, b) => compareKeys(key(a), key(b), direction));
}
