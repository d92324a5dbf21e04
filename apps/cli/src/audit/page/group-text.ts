import { countNoun } from "@fedclair/runs";
import { firstOf } from "../../adapters/names-text.js";
import type { Group } from "./groups.js";

/** How alike the groups are, a sentence each. */
export function groupSentences(groups: readonly Group[]): string[] {
  const benign = groups.find(({ status }) => status === "benign");
  const usual = benign?.alike?.toFixed(2);
  const others = groups.filter(({ status }) => status !== "benign");
  if (others.length === 0) {
    return usual === undefined
      ? []
      : [
          `The ${countNoun(benign?.names.length ?? 0, "benign adapter")} are alike by ${usual} (median).`,
        ];
  }
  const beside = usual === undefined ? "" : `, the benign by ${usual}`;
  return others.map(({ names, alike, status }) => {
    const who = `${spanOf(names)} (${status})`;
    if (alike !== undefined) return `${who} are alike by ${alike.toFixed(2)} (median)${beside}.`;
    return `${who} ${names.length === 1 ? "belongs to no group" : "belong to no group of their own"}.`;
  });
}

/** For a figure, where there is no room for names: `bad-1 … 4`, or `151 benign`; empty of no group. */
export function groupLabel(group: Group | undefined): string {
  if (group === undefined) return "";
  const { names, status } = group;
  return names.length === 1 ? spanOf(names) : (runningOf(names) ?? `${names.length} ${status}`);
}

/** `bad-1 … 4` of names that differ by a running number alone; else the first few. */
export function spanOf(names: readonly string[]): string {
  const order = new Intl.Collator("en", { numeric: true });
  return runningOf(names) ?? firstOf(names.toSorted((x, y) => order.compare(x, y)));
}

function runningOf(names: readonly string[]): string | undefined {
  const parts = names.map((name) => /^(.*?)([1-9]\d{0,5}|0)$/s.exec(name));
  const stems = new Set(parts.map((part) => part?.[1]));
  const [stem] = stems;
  const numbers = parts.map((part) => Number(part?.[2])).sort((x, y) => x - y);
  const [low = 0, high = 0] = [numbers[0], numbers.at(-1)];
  const isRunning = new Set(numbers).size === names.length && high - low === names.length - 1;
  return names.length > 2 && stems.size === 1 && stem !== undefined && isRunning
    ? `${firstOf([`${stem}${low}`])} … ${high}`
    : undefined;
}
