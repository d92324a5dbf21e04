import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import { leastClients, type ClairOptions } from "@fedclair/aggregators";
import type { Audit } from "./audit-schema.js";
import type { Finding } from "./findings.js";
import { unevenModules } from "./uneven-modules.js";
import { firstOf, shortened } from "../adapters/names-text.js";

/** Adapters of whom uneven modules are told one by one. */
const mostUneven = 3;

/** A sentence beside the verdict. */
export interface Remark {
  readonly text: string;
  readonly isWarning: boolean;
}

/** The finding in a sentence. */
export function verdictText(
  { adapters, detection, threshold, gap }: Audit,
  { rule, gapMin, minClients, falseAlarmRate }: ClairOptions,
): string {
  const isScored = adapters.some(({ score }) => score !== null);
  if (adapters.every(({ status }) => status === "invalid")) {
    return "There is nothing to compare: all adapters are invalid.";
  }
  if (!isScored) return "There is nothing to compare: no adapter changes anything.";
  if (!detection) {
    return `Too few adapters to suspect any: ${leastClients({ rule, minClients })} that can be compared are needed.`;
  }
  const suspects = countOf(adapters, "contaminated");
  const others = (["undecided", "invalid"] as const).flatMap((other) => {
    const count = countOf(adapters, other);
    return count === 0 ? [] : [`, ${count} ${other}`];
  });
  const byRule = rule === "evidence" || rule === "gap" ? "" : ` by the rule ${rule}`;
  const count = `${suspects} of ${adapters.length} adapters ${suspects === 1 ? "is" : "are"} contaminated${byRule}${others.join("")}`;
  if (rule === "evidence" && threshold === null) return `${count}.`;
  if (rule === "evidence") {
    return `${count}: scores above 1 stand out, as one does in a pile of ${Math.round(1 / falseAlarmRate)} without a contaminated adapter.`;
  }
  const ratio = gap.toPrecision(3);
  if (rule !== "gap") {
    return `${count}; neighbouring scores part by a factor of ${ratio} at most.`;
  }
  return threshold === null
    ? `${count}: neighbouring scores part by a factor of ${ratio} at most, and a gap takes ${gapMin}.`
    : `${count}; the scores part by a factor of ${ratio} (at least ${gapMin} counts as a gap).`;
}

function countOf(adapters: readonly Finding[], wanted: VerdictStatus): number {
  return adapters.filter(({ status }) => status === wanted).length;
}

/** What else there is to know, a sentence each. */
export function remarks(
  audit: Audit,
  { rule, centered, minBenignFraction, gapMin2 }: ClairOptions,
): Remark[] {
  const { adapters, detection, threshold, ranks, uninformative } = audit;
  const {
    ignored,
    dora,
    begunInBase,
    ownStarts,
    startGroups,
    identical,
    nearCopies,
    bases,
    skipped,
    checkpoints,
    refined,
  } = audit;
  const all = Object.values(ranks);
  const said: Remark[] = [];
  const tell = (text: string) => said.push({ text, isWarning: false });
  const warn = (text: string) => said.push({ text: `Warning: ${text}`, isWarning: true });
  const scores = adapters.flatMap(({ score }) => score ?? []).sort((x, y) => x - y);
  const assumed = Math.ceil(minBenignFraction * scores.length);
  const early = widestGap(scores.slice(0, assumed));
  if (detection && threshold === null && early.ratio >= gapMin2) {
    warn(
      `scores part by a factor of ${early.ratio.toPrecision(3)} behind the ${early.position} smallest, but as many as ` +
        `${assumed} of ${scores.length} adapters are taken for benign (minBenignFraction ${minBenignFraction}): if more than half may be ` +
        "contaminated, set it lower. Then the larger group decides what is benign.",
    );
  }
  const accused = countOf(adapters, "contaminated");
  if (rule === "evidence" && 3 * accused > scores.length) {
    warn(
      `${accused} of the ${scores.length} that were compared are contaminated: the larger group decides what is benign. If more than half ` +
        "of a pile may be contaminated, verdicts may be the wrong way round.",
    );
  }
  if (all.length > 0) tell(`Shared spaces: ${rankText(all)}.`);
  if (uninformative.length > 0) {
    const few =
      uninformative.length < all.length ? `${firstOf(uninformative.map(shortened))}: ` : "";
    warn(
      `${few}the shared spaces of ${uninformative.length} of ${countNoun(all.length, "module")} are as large as ` +
        "all that benign adapters have there together, and so would hold any such adapters: verdicts that rest on them " +
        "are chance. Set a lower rank (--set rank=…), audit more adapters, or compare the other side (--set side=right) where all " +
        "have the factor B in common.",
    );
  }
  if (bases.length > 1) {
    warn(
      `the adapters name ${bases.length} bases: ${firstOf(bases)}. Changes of different models cannot be compared: ` +
        "audit those of each base apart, unless these are names of one.",
    );
  }
  const uneven = [...unevenModules(adapters)];
  for (const [name, far] of uneven.slice(0, mostUneven)) warn(unevenText(name, far));
  if (uneven.length > mostUneven) {
    warn(
      `so do modules of ${uneven.length - mostUneven} more adapters: ${firstOf(uneven.slice(mostUneven).map(([other]) => other))}.`,
    );
  }
  for (const group of identical) {
    warn(`the same to the last number: ${firstOf(group)}.`);
  }
  for (const group of nearCopies) {
    warn(`nearly the same, and compared once, without being refined: ${firstOf(group)}.`);
  }
  if (begunInBase.length > 0 && !centered) {
    const begun =
      `B·A of ${countNoun(begunInBase.length, "adapter")} began elsewhere than at zero (init_lora_weights): ` +
      `${firstOf(begunInBase)}. That part is common to all and can hide what training changed`;
    if (rule === "evidence") tell(`${begun}: what varies between adapters was judged as well.`);
    else warn(`${begun}. Compare what varies: --set centered=true.`);
  }
  if (startGroups.length > 1) tell(startGroupsText(startGroups));
  if (ownStarts.length > 0) tell(ownStartsText(ownStarts, adapters));
  if (dora.length > 0) {
    tell(
      `${countNoun(dora.length, "adapter")} with DoRA, judged by B·A without the magnitudes: ${firstOf(dora)}.`,
    );
  }
  if (ignored.length > 0) {
    tell(`No LoRA pairs, not judged: ${firstOf(ignored.map(shortened))}.`);
  }
  if (checkpoints.length > 0)
    tell(`Earlier checkpoints and rounds, left out: ${firstOf(checkpoints)}.`);
  if (skipped.length > 0) {
    tell(`No adapter_config.json, left out: ${firstOf(skipped)}.`);
  }
  if (refined?.adapters === 0) tell("No refined adapters: no adapter is benign.");
  else if (refined) {
    const kept = (100 * (1 - refined.discarded)).toFixed(1);
    tell(
      `${countNoun(refined.adapters, "refined adapter")} in ${refined.folder}, with ${kept} % of the energy of the refined changes: the rest takes a higher rank.`,
    );
    const shares = Object.values(refined.breakEven);
    if (shares.length > 0) tell(gainText(shares));
    if (refined.unchanged.length > 0) {
      tell(`Unchanged among them, as refining cannot gain: ${firstOf(refined.unchanged)}.`);
    }
  }
  return said;
}

/** @param far at least one, the farthest first */
function unevenText(name: string, far: Finding["modules"]): string {
  const ratios = [far.at(-1), far[0]].map((one) => (one?.ratio ?? NaN).toPrecision(2));
  const span = [...new Set(ratios)].join(" to ");
  const names = firstOf(far.map(({ module }) => shortened(module)));
  return (
    `of ${oneLine(name)} ${countNoun(far.length, "module")} ${far.length === 1 ? "lies" : "lie"} ${span} times as far outside the shared ` +
    `space as others', unlike the rest: ${names}. By all modules together it is benign; what was changed in some alone may hide there.`
  );
}

function startGroupsText(groups: Audit["startGroups"]): string {
  const told = groups.map((group) => `${group.length} (${firstOf(group)})`);
  return (
    `Adapters began from ${groups.length} different A₀: ${told.join("; ")}. Changes from different A₀ have little in common but ` +
    "their columns: audit each group by itself."
  );
}

function ownStartsText(names: readonly string[], adapters: readonly Finding[]): string {
  const reason = "Changes from different A₀ have little in common but their columns";
  if (names.length === adapters.length - countOf(adapters, "invalid")) {
    return `Every adapter began from an A₀ of its own. ${reason}, and evidence is weaker than it would be with one A₀ for all.`;
  }
  return (
    `${countNoun(names.length, "adapter")} began from an A₀ of ${names.length === 1 ? "its" : "their"} own, unlike the others: ` +
    `${firstOf(names)}. ${reason}: that they stand apart is no wonder.`
  );
}

/** @param shares that must be error, at least one */
function gainText(shares: readonly number[]): string {
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((x) => Math.round(100 * x));
  const span = least === most ? `${least} %` : `${least} to ${most} %`;
  return (
    `Expect a gain where more than ${span} of what was replaced, all outside the shared space, is error of the adapters' own: ` +
    "how much is error, changes alone cannot tell, so compare the loss on held-out data before they are used."
  );
}

/** @param sorted ascending @returns the largest ratio of neighbours, and how many lie below it */
function widestGap(sorted: readonly number[]): {
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

function rankText(ranks: readonly number[]): string {
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  const span = low === high ? String(low) : `${low} to ${high}`;
  return ranks.length === 1
    ? `rank ${span} in the one module`
    : `rank ${span} in ${ranks.length} modules`;
}
