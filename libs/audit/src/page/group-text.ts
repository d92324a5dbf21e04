import { countNoun } from "@fedclair/runs";
import { listFirst } from "../adapters/names-text.js";
import type { Group } from "./groups.js";

/** Describes how similar the members of each group are, one sentence per group. */
export function formatGroups(groups: readonly Group[]): string[] {
  const benign = groups.find(({ status }) => status === "benign");
  const usual = benign?.alike?.toFixed(2);
  const others = groups.filter(({ status }) => status !== "benign");
  if (others.length === 0) {
    return usual === undefined
      ? []
      : [
          `The ${countNoun(benign?.names.length ?? 0, "benign adapter")} have a median cosine of ${usual}.`,
        ];
  }
  const comparison = usual === undefined ? "" : `, the benign adapters of ${usual}`;
  return others.map(({ names, alike, status }) => {
    const who = `${formatSpan(names)} (${status})`;
    if (alike !== undefined)
      return `${who} have a median cosine of ${alike.toFixed(2)}${comparison}.`;
    return `${who} ${names.length === 1 ? "belongs to no group" : "belong to no group"}.`;
  });
}

/** Formats a short label for a figure: `bad-1 … 4`, or `151 benign`; empty if there is no group. */
export function formatGroupLabel(group: Group | undefined): string {
  if (group === undefined) return "";
  const { names, status } = group;
  return names.length === 1
    ? formatSpan(names)
    : (formatRunning(names) ?? `${names.length} ${status}`);
}

/**
 * Formats `bad-1 … 4` for names that differ only by a running number; otherwise the first few
 * names.
 */
export function formatSpan(names: readonly string[]): string {
  const order = new Intl.Collator("en", { numeric: true });
  return formatRunning(names) ?? listFirst(names.toSorted((x, y) => order.compare(x, y)));
}

function formatRunning(names: readonly string[]): string | undefined {
  const parts = names.map((name) => /^(.*?)([1-9]\d{0,5}|0)$/s.exec(name));
  const stems = new Set(parts.map((part) => part?.[1]));
  const [stem] = stems;
  const numbers = parts.map((part) => Number(part?.[2])).sort((x, y) => x - y);
  const [low = 0, high = 0] = [numbers[0], numbers.at(-1)];
  const isRunning = new Set(numbers).size === names.length && high - low === names.length - 1;
  return names.length > 2 && stems.size === 1 && stem !== undefined && isRunning
    ? `${listFirst([`${stem}${low}`])} … ${high}`
    : undefined;
}
