import type { VerdictStatus } from "@fedclair/core";
import { at, item, median, quantile, sum } from "@fedclair/linalg";
import type { Audit } from "../audit-schema.js";

/** Adapters that belong together. */
export interface Group {
  readonly status: VerdictStatus;
  /** Neighbours are alike. */
  readonly names: readonly string[];
  /** Median cosine of its pairs; absent of those that belong together by their status alone. */
  readonly alike?: number;
}

const statuses = ["contaminated", "undecided", "benign"] as const;

/** Pairs beyond this share of the benign ones are more alike than the benign are. */
const rare = 0.95;
/** What is alike where nobody is benign. */
const fallback = 0.5;

/**
 * The adapters that were scored: contaminated ones first, among these groups of those that are alike, the largest first, and last
 * those that are like no other; then the undecided, likewise, and the benign.
 */
export function groupsOf({ adapters, alike }: Pick<Audit, "adapters" | "alike">): Group[] {
  const places = new Map(alike?.names.map((name, i) => [name, i]));
  const cosines = alike?.cosines ?? [];
  const scored = (status: VerdictStatus) =>
    adapters.filter((one) => one.status === status && one.score !== null).map(({ name }) => name);
  const known = (status: VerdictStatus) => scored(status).flatMap((name) => places.get(name) ?? []);
  const usual = pairsOf(known("benign"), cosines);
  const least = usual.length > 0 ? quantile(usual, rare) : fallback;
  return statuses.flatMap((status): Group[] => {
    if (alike === undefined) {
      const names = scored(status);
      return names.length === 0 ? [] : [{ status, names }];
    }
    const members = known(status);
    const found = clusters(members, cosines, status === "benign" ? -Infinity : least);
    const single = found.filter(({ length }) => length === 1).flat();
    const several = found.filter(({ length }) => length > 1);
    const named = (own: readonly number[]) => ({
      status,
      names: own.map((k) => item(alike.names, k)),
    });
    return [
      ...several
        .sort((x, y) => y.length - x.length)
        .map((own) => ({ ...named(own), alike: median(pairsOf(own, cosines)) })),
      ...clusters(single, cosines, -Infinity).map(named),
    ];
  });
}

/** Rows that a figure has at most, but for one more a group. */
const mostRows = 300;

/** The groups with as many of their members, evenly spaced, as figures have rows for. */
export function drawnOf(groups: readonly Group[]): Group[] {
  const all = sum(groups.map(({ names }) => names.length));
  return groups.map(({ names, ...group }) => {
    const count = Math.ceil(names.length * Math.min(mostRows / all, 1));
    const drawn = Array.from({ length: count }, (_, i) =>
      item(names, Math.floor((i * names.length) / count)),
    );
    return { ...group, names: drawn };
  });
}

/** For a caption. */
export function drawnText(groups: readonly Group[]): string {
  const [drawn, all] = [drawnOf(groups), groups].map((some) => some.flatMap(({ names }) => names));
  if (drawn?.length === all?.length) return "";
  return ` Drawn are ${drawn?.length ?? 0} of ${(all?.length ?? 0).toLocaleString("en-US")} adapters, evenly spaced in each group.`;
}

/** The rows, among all names one below the other, at which a group begins, but for the first. */
export function partingsOf(groups: readonly Group[]): number[] {
  return groups
    .slice(1)
    .map((_, g) => sum(groups.slice(0, g + 1).map(({ names }) => names.length)));
}

function pairsOf(members: readonly number[], cosines: readonly (readonly number[])[]): number[] {
  return members.flatMap((i, k) => members.slice(k + 1).map((j) => cosines[i]?.[j] ?? 0));
}

/**
 * Average linkage: the two clusters that are most alike on average become one, as long as they are alike by `least`.
 * @param cosines symmetric @returns clusters in the order of their first members; within each, what was joined early lies together
 */
export function clusters(
  members: readonly number[],
  cosines: readonly (readonly number[])[],
  least: number,
): number[][] {
  const groups = members.map((member) => [member]);
  const means = members.map((i) => Float64Array.from(members, (j) => cosines[i]?.[j] ?? 0));
  let left = members.map((_, k) => k);
  while (left.length > 1) {
    const [i, j, value] = closest(left, means);
    if (value < least) break;
    const [a, b] = [item(groups, i), item(groups, j)];
    const [ofA, ofB] = [item(means, i), item(means, j)];
    for (const k of left) {
      const mean = (at(ofA, k) * a.length + at(ofB, k) * b.length) / (a.length + b.length);
      ofA[k] = mean;
      item(means, k)[i] = mean;
    }
    a.push(...b);
    left = left.filter((k) => k !== j);
  }
  return left.map((k) => item(groups, k));
}

/** The two, the first of equals, and how alike they are. */
function closest(
  left: readonly number[],
  means: readonly Float64Array[],
): readonly [i: number, j: number, value: number] {
  let best: readonly [number, number, number] = [0, 0, -Infinity];
  for (const [place, i] of left.entries()) {
    const own = item(means, i);
    for (let q = place + 1; q < left.length; q++) {
      const j = item(left, q);
      if (at(own, j) > best[2]) best = [i, j, at(own, j)];
    }
  }
  return best;
}
