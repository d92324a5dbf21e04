import type { VerdictStatus } from "@fedclair/core";
import { at, item, median, quantile, sum } from "@fedclair/linalg";
import type { Audit } from "../audit-schema.js";

/** A group of similar adapters. */
export interface Group {
  readonly status: VerdictStatus;
  /** Ordered so that similar adapters are neighbours. */
  readonly names: readonly string[];
  /** Median cosine of its pairs; absent if the adapters only have the same status. */
  readonly alike?: number;
}

const statuses = ["contaminated", "undecided", "benign"] as const;

/** A pair is unusually similar if its cosine exceeds this quantile of the benign pairs. */
const rare = 0.95;
/** The limit for similar pairs if no adapter is benign. */
const fallback = 0.5;

/**
 * Groups the scored adapters. The contaminated groups come first, the largest first, followed by
 * the contaminated adapters that are similar to no other. Then come the undecided adapters in the
 * same order, and the benign ones.
 */
export function findGroups({ adapters, alike }: Pick<Audit, "adapters" | "alike">): Group[] {
  const places = new Map(alike?.names.map((name, i) => [name, i]));
  const cosines = alike?.cosines ?? [];
  const scored = (status: VerdictStatus) =>
    adapters.filter((one) => one.status === status && one.score !== null).map(({ name }) => name);
  const listPlaces = (status: VerdictStatus) =>
    scored(status).flatMap((name) => places.get(name) ?? []);
  const usual = listPairCosines(listPlaces("benign"), cosines);
  const least = usual.length > 0 ? quantile(usual, rare) : fallback;
  return statuses.flatMap((status): Group[] => {
    if (alike === undefined) {
      const names = scored(status);
      return names.length === 0 ? [] : [{ status, names }];
    }
    const members = listPlaces(status);
    const found = clusterByLinkage(members, cosines, status === "benign" ? -Infinity : least);
    const single = found.filter(({ length }) => length === 1).flat();
    const several = found.filter(({ length }) => length > 1);
    const named = (own: readonly number[]) => ({
      status,
      names: own.map((k) => item(alike.names, k)),
    });
    return [
      ...several
        .sort((x, y) => y.length - x.length)
        .map((own) => ({ ...named(own), alike: median(listPairCosines(own, cosines)) })),
      ...clusterByLinkage(single, cosines, -Infinity).map(named),
    ];
  });
}

/** Maximum number of rows in a figure, plus up to one more per group. */
const mostRows = 300;

/** Reduces the groups to as many evenly spaced members as a figure has rows. */
export function sampleGroups(groups: readonly Group[]): Group[] {
  const all = sum(groups.map(({ names }) => names.length));
  return groups.map(({ names, ...group }) => {
    const count = Math.ceil(names.length * Math.min(mostRows / all, 1));
    const drawn = Array.from({ length: count }, (_, i) =>
      item(names, Math.floor((i * names.length) / count)),
    );
    return { ...group, names: drawn };
  });
}

/** Formats a note for the caption if not all adapters are drawn. */
export function formatSampleNote(groups: readonly Group[]): string {
  const [drawn, all] = [sampleGroups(groups), groups].map((some) =>
    some.flatMap(({ names }) => names),
  );
  if (drawn?.length === all?.length) return "";
  return ` The figure shows ${drawn?.length ?? 0} of ${(all?.length ?? 0).toLocaleString("en-US")} adapters, evenly spaced in each group.`;
}

/** Lists the rows at which the second and later groups begin. */
export function findPartings(groups: readonly Group[]): number[] {
  return groups
    .slice(1)
    .map((_, g) => sum(groups.slice(0, g + 1).map(({ names }) => names.length)));
}

function listPairCosines(
  members: readonly number[],
  cosines: readonly (readonly number[])[],
): number[] {
  return members.flatMap((i, k) => members.slice(k + 1).map((j) => cosines[i]?.[j] ?? 0));
}

/**
 * Clusters by average linkage: repeatedly merges the two clusters with the largest mean cosine, as
 * long as it is at least `least`.
 * @param cosines symmetric
 * @returns clusters in the order of their first members; members that were merged early are
 * neighbours
 */
export function clusterByLinkage(
  members: readonly number[],
  cosines: readonly (readonly number[])[],
  least: number,
): number[][] {
  const groups = members.map((member) => [member]);
  const means = members.map((i) => Float64Array.from(members, (j) => cosines[i]?.[j] ?? 0));
  let left = members.map((_, k) => k);
  while (left.length > 1) {
    const [i, j, value] = findClosest(left, means);
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

/** Finds the two most similar clusters, the first of equals, and their mean cosine. */
function findClosest(
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
