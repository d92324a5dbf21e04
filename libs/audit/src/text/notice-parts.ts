import { controlKinds, controlMeanings } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import { listFirst, shortenModule } from "../adapters/names-text.js";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { countStatus } from "./verdict.js";

/**
 * Says what benign adapters are cleared of, and the share of planted attackers of each kind that
 * stood out, rounded down so that 79.9 % does not look like the 80 % that count.
 */
export function formatControls(
  { power, cleared }: NonNullable<Audit["controls"]>,
  bank: string,
): string {
  const list = (wanted: boolean) =>
    controlKinds
      .filter((kind) => cleared.includes(kind) === wanted)
      .map((kind) => `${controlMeanings[kind]} (${Math.floor(100 * power[kind])} %)`)
      .join(", ");
  const [found, others] = [list(true), list(false)];
  const parts = [
    found === ""
      ? "No adapter is cleared of any kind of attacker."
      : `A benign adapter is cleared of: ${found}.`,
    ...(others === "" ? [] : [`Not of: ${others}.`]),
  ];
  return (
    `${parts.join(" ")} In brackets: how many attackers of the kind stood out when they were planted among these adapters. ` +
    `The thresholds were calibrated on ${oneLine(bank)}.`
  );
}

/** Says whether another group of adapters would explain the changes as well. */
export function formatMargin({
  certified,
  margin,
  groups: [own = [], other = []] = [],
}: NonNullable<Audit["identifiable"]>): string {
  const times = `margin ${margin.toPrecision(3)}`;
  if (certified) {
    return `The shared spaces are certified (${times}): if most adapters are benign, no others explain most of them as well.`;
  }
  const groups =
    own.length > 0 && other.length > 0
      ? `: ${listFirst(other)} could be the benign ones instead of ${listFirst(own)}`
      : "";
  return `The shared spaces are not certified (${times}): others explain most adapters nearly as well${groups}.`;
}

/** Formats the note about uneven modules. @param far at least one, the farthest first */
export function formatUneven(name: string, far: AdapterFinding["modules"]): string {
  const ratios = [far.at(-1), far[0]].map((one) => (one?.ratio ?? NaN).toPrecision(2));
  const span = [...new Set(ratios)].join(" to ");
  const names = listFirst(far.map(({ module }) => shortenModule(module)));
  return (
    `${countNoun(far.length, "module")} of ${oneLine(name)} ${far.length === 1 ? "lies" : "lie"} ${span} times as far outside the shared ` +
    `space as usual, unlike its other modules: ${names}. The adapter is benign over all modules, but a change of only a few modules may hide there.`
  );
}

export function formatStartGroups(groups: Audit["startGroups"]): string {
  const parts = groups.map((group) => `${group.length} (${listFirst(group)})`);
  return (
    `The adapters started from ${groups.length} different A₀: ${parts.join("; ")}. Changes from different A₀ have only ` +
    "their column spaces in common: audit each group separately."
  );
}

export function formatOwnStarts(
  names: readonly string[],
  adapters: readonly AdapterFinding[],
): string {
  const reason = "Changes from different A₀ have only their column spaces in common";
  if (names.length === adapters.length - countStatus(adapters, "invalid")) {
    return `Every adapter started from an A₀ of its own. ${reason}, so the evidence is weaker than with one A₀ for all.`;
  }
  return (
    `${countNoun(names.length, "adapter")} started from an A₀ of ${names.length === 1 ? "its" : "their"} own, unlike the others: ` +
    `${listFirst(names)}. ${reason}, so a large distance is expected.`
  );
}

/**
 * @param sorted ascending
 * @returns the largest ratio of neighbours and how many scores lie below it
 */
export function findWidestGap(sorted: readonly number[]): {
  readonly ratio: number;
  readonly position: number;
} {
  let widest = { ratio: 1, position: 0 };
  sorted.forEach((score, position) => {
    const ratio = score / Math.max(sorted[position - 1] ?? score, 1e-6);
    if (ratio > widest.ratio) widest = { ratio, position };
  });
  return widest;
}

export function formatSpaceRanks(ranks: readonly number[]): string {
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  const span = low === high ? String(low) : `${low} to ${high}`;
  return ranks.length === 1
    ? `rank ${span} in the one module`
    : `rank ${span} in ${ranks.length} modules`;
}
