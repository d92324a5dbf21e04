import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import {
  controlKinds,
  controlMeanings,
  leastClients,
  minBenignClients,
  minFurtherGap,
  type ClairOptions,
} from "@fedclair/clair";
import type { Audit } from "../audit-schema.js";
import type { AdapterFinding } from "../compare/findings.js";
import { findUnevenModules } from "../compare/uneven-modules.js";
import { listFirst, shortenModule } from "../adapters/names-text.js";
import { listRefinedSentences } from "./refined-text.js";

/** Maximum number of adapters with a separate warning about uneven modules. */
const mostUneven = 3;
/** Thresholds change little from 14 to 20 adapters, measured on trials. */
const manyMore = 1.5;

/** A sentence that is printed below the verdict. */
interface AuditNotice {
  readonly text: string;
  readonly isWarning: boolean;
}

/** Formats the verdict as a sentence. */
export function formatVerdict(
  { adapters, detection, threshold, gap, usualBelow = 0 }: Audit,
  { rule }: Pick<ClairOptions, "rule">,
): string {
  const isScored = adapters.some(({ score }) => score !== null);
  if (adapters.every(({ status }) => status === "invalid")) {
    return "There is nothing to compare: all adapters are invalid.";
  }
  if (!isScored) return "There is nothing to compare: no adapter changes anything.";
  if (!detection) {
    const comparable = adapters.filter(({ score }) => score !== null).length;
    const least = `Too few adapters for a verdict: at least ${leastClients({ rule })} comparable adapters are needed.`;
    const leastOfGap = leastClients({ rule: { by: "gap" } });
    return rule.by === "evidence" && comparable >= leastOfGap
      ? `${least} Rule gap judges ${leastOfGap} or more (--set rule=gap), by one piece of evidence.`
      : least;
  }
  const contaminated = countStatus(adapters, "contaminated");
  const others = (["undecided", "invalid"] as const).flatMap((other) => {
    const count = countStatus(adapters, other);
    return count === 0 ? [] : [`, ${count} ${other}`];
  });
  const count = `${contaminated} of ${adapters.length} adapters ${contaminated === 1 ? "is" : "are"} contaminated${others.join("")}`;
  if (rule.by === "evidence" && threshold === null) return `${count}.`;
  if (rule.by === "evidence") {
    return (
      `${count}. Scores above ${(threshold ?? 0).toPrecision(3)} are flagged; one in ${Math.round(1 / rule.falseAlarmRate)} sets of honest adapters has one. ` +
      `Scores up to ${usualBelow.toPrecision(3)} do not stand out.`
    );
  }
  const ratio = gap.toPrecision(3);
  return threshold === null
    ? `${count}: neighbouring scores differ by a factor of at most ${ratio}, and a gap needs ${rule.minGap}.`
    : `${count}; the gap between the scores is a factor of ${ratio} (at least ${rule.minGap} counts as a gap).`;
}

/** Formats the warning that the majority may be contaminated. @param what as `adapter` */
export function formatMajority(distant: number, compared: number, what: string): string {
  return (
    `${distant} of ${compared} compared ${what}s stand out. The larger group determines what is benign: if more than half ` +
    `of the ${what}s are contaminated, the verdicts may be reversed.`
  );
}

function countStatus(adapters: readonly AdapterFinding[], wanted: VerdictStatus): number {
  return adapters.filter(({ status }) => status === wanted).length;
}

/** Writes a notice as terminals and pages show it. */
export function formatNotice({ text, isWarning }: AuditNotice): string {
  return isWarning ? `Warning: ${text}` : text;
}

/** Lists warnings and other facts, one sentence each. */
export function listNotices(
  audit: Audit,
  { rule, centered, minBenignFraction }: ClairOptions,
): AuditNotice[] {
  const { adapters, detection, threshold, ranks, uninformative } = audit;
  const {
    ignored,
    dora,
    begunInBase,
    ownStarts,
    startGroups,
    identical,
    nearCopies,
    otherForms,
    bases,
    skipped,
    checkpoints,
    refined,
  } = audit;
  const all = Object.values(ranks);
  const notices: AuditNotice[] = [];
  const note = (text: string) => notices.push({ text, isWarning: false });
  const warn = (text: string) => notices.push({ text, isWarning: true });
  const scores = adapters.flatMap(({ score }) => score ?? []).sort((x, y) => x - y);
  const assumed = Math.ceil(minBenignFraction * scores.length);
  const early = findWidestGap(scores.slice(0, assumed));
  if (detection && threshold === null && early.ratio >= minFurtherGap) {
    warn(
      `the scores have a gap of a factor of ${early.ratio.toPrecision(3)} after the ${early.position} smallest, but at least ` +
        `${assumed} of ${scores.length} adapters are assumed to be benign (minBenignFraction ${minBenignFraction}). If more than half may be ` +
        "contaminated, set it lower; the larger group then determines what is benign.",
    );
  }
  const { calibratedFor = Infinity, usualBelow = Infinity } = audit;
  const copies = new Set([...identical, ...nearCopies].flatMap(([, ...others]) => others));
  const compared = adapters.filter(({ name, score }) => score !== null && !copies.has(name));
  if (detection && compared.length > manyMore * calibratedFor) {
    note(
      `The thresholds are those for ${calibratedFor} adapters, the most that were measured; ${compared.length} honest ones may exceed them more often. ` +
        "For a bank of your own: fedclair calibrate.",
    );
  }
  const distant = compared.filter(({ score }) => (score ?? 0) > usualBelow).length;
  if (detection && rule.by === "evidence" && 3 * distant > compared.length) {
    warn(formatMajority(distant, compared.length, "adapter"));
  }
  if (audit.controls && compared.length < minBenignClients) {
    note(`No adapter is benign: fewer than ${minBenignClients} cannot show what would stand out.`);
  } else if (audit.controls) note(formatControls(audit.controls, audit.bank ?? ""));
  if (all.length > 0) note(`Shared spaces: ${formatRanks(all)}.`);
  if (uninformative.length > 0) {
    const few =
      uninformative.length < all.length ? `${listFirst(uninformative.map(shortenModule))}: ` : "";
    warn(
      `${few}the shared spaces of ${uninformative.length} of ${countNoun(all.length, "module")} are as large as ` +
        "the spaces of all benign adapters together, so they would contain any such adapter and verdicts based on them " +
        "are chance. Set a lower rank (--set rank=…), audit more adapters, or compare the other side (--set side=right) if all " +
        "adapters have the factor B in common.",
    );
  }
  for (const group of otherForms) {
    warn(
      `${group.length} adapters have other modules or shapes than the compared ones, but the same as one another: ${listFirst(group)}. ` +
        "Audit them separately.",
    );
  }
  if (bases.length > 1) {
    warn(
      `the adapters name ${bases.length} bases: ${listFirst(bases)}. Changes of different models cannot be compared: ` +
        "audit the adapters of each base separately, unless these are names for the same model.",
    );
  }
  const uneven = [...findUnevenModules(adapters)];
  for (const [name, far] of uneven.slice(0, mostUneven)) note(formatUneven(name, far));
  if (uneven.length > mostUneven) {
    note(
      `The same is true for modules of ${uneven.length - mostUneven} more adapters: ${listFirst(uneven.slice(mostUneven).map(([other]) => other))}.`,
    );
  }
  for (const group of identical) {
    warn(`identical adapters: ${listFirst(group)}.`);
  }
  for (const group of nearCopies) {
    warn(
      `nearly identical adapters, of which one was compared and none refined: ${listFirst(group)}.`,
    );
  }
  if (begunInBase.length > 0 && !centered) {
    const begun =
      `B·A of ${countNoun(begunInBase.length, "adapter")} did not start at zero (init_lora_weights): ` +
      `${listFirst(begunInBase)}. The start is common to all adapters and can hide what training changed`;
    if (rule.by === "evidence") note(`${begun}.`);
    else warn(`${begun}. Compare only what varies between adapters: --set centered=true.`);
  }
  if (startGroups.length > 1) note(formatStartGroups(startGroups));
  if (ownStarts.length > 0) note(formatOwnStarts(ownStarts, adapters));
  if (dora.length > 0) {
    note(
      `${countNoun(dora.length, "adapter")} with DoRA, judged by B·A without the magnitudes: ${listFirst(dora)}.`,
    );
  }
  if (ignored.length > 0) {
    note(`Not LoRA pairs, therefore not judged: ${listFirst(ignored.map(shortenModule))}.`);
  }
  if (checkpoints.length > 0)
    note(`Skipped earlier checkpoints and rounds: ${listFirst(checkpoints)}.`);
  if (skipped.length > 0) {
    note(`Skipped, no adapter_config.json: ${listFirst(skipped)}.`);
  }
  if (refined) listRefinedSentences(refined).forEach(note);
  return notices;
}

/**
 * Says what benign adapters are cleared of, and the share of planted attackers of each kind that
 * stood out, rounded down so that 79.9 % does not look like the 80 % that count.
 */
function formatControls({ power, cleared }: NonNullable<Audit["controls"]>, bank: string): string {
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

/** Formats the note about uneven modules. @param far at least one, the farthest first */
function formatUneven(name: string, far: AdapterFinding["modules"]): string {
  const ratios = [far.at(-1), far[0]].map((one) => (one?.ratio ?? NaN).toPrecision(2));
  const span = [...new Set(ratios)].join(" to ");
  const names = listFirst(far.map(({ module }) => shortenModule(module)));
  return (
    `${countNoun(far.length, "module")} of ${oneLine(name)} ${far.length === 1 ? "lies" : "lie"} ${span} times as far outside the shared ` +
    `space as usual, unlike its other modules: ${names}. The adapter is benign over all modules, but a change of only a few modules may hide there.`
  );
}

function formatStartGroups(groups: Audit["startGroups"]): string {
  const parts = groups.map((group) => `${group.length} (${listFirst(group)})`);
  return (
    `The adapters started from ${groups.length} different A₀: ${parts.join("; ")}. Changes from different A₀ have only ` +
    "their column spaces in common: audit each group separately."
  );
}

function formatOwnStarts(names: readonly string[], adapters: readonly AdapterFinding[]): string {
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
function findWidestGap(sorted: readonly number[]): {
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

function formatRanks(ranks: readonly number[]): string {
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  const span = low === high ? String(low) : `${low} to ${high}`;
  return ranks.length === 1
    ? `rank ${span} in the one module`
    : `rank ${span} in ${ranks.length} modules`;
}
