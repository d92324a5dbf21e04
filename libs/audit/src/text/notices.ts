import { countNoun } from "@fedclair/runs";
import { describeRate, minBenignClients, minFurtherGap, type ClairOptions } from "@fedclair/clair";
import { listFirst, shortenModule } from "../adapters/names-text.js";
import { findUnevenModules } from "../compare/uneven-modules.js";
import { configFile } from "../adapters/peft-config.js";
import type { AdapterOrigin, Audit } from "../audit-schema.js";
import { findingKinds, type Finding, type FindingCode } from "../findings/catalogue.js";
import {
  findWidestGap,
  formatControls,
  formatMargin,
  formatOwnStarts,
  formatSpaceRanks,
  formatStartGroups,
  formatUneven,
} from "./notice-parts.js";
import { listRefinedSentences } from "./refined-text.js";
import { formatMajority, listCompared } from "./verdict.js";

/** Maximum number of adapters with a separate warning about uneven modules. */
const mostUneven = 3;
/** Thresholds change little from 14 to 20 adapters, measured on trials. */
const manyMore = 1.5;

/** A sentence that is printed below the verdict; with a code if it is a finding. */
interface AuditNotice extends Omit<Finding, "code"> {
  readonly code?: FindingCode;
}

/** Writes a notice as terminals and pages show it. */
export function formatNotice({ code, level, text, advice }: AuditNotice): string {
  const sentences = [text, advice].filter((part) => part !== "").join(" ");
  return `${level === "note" ? "" : "Warning: "}${sentences}${code === undefined ? "" : ` [${code}]`}`;
}

/** Lists the findings besides the verdicts. */
export function listFindings(audit: Audit, options: ClairOptions): Finding[] {
  return listNotices(audit, options).flatMap(({ code, ...rest }) =>
    code === undefined ? [] : [{ code, ...rest }],
  );
}

/** Lists findings and other facts, one sentence each. */
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
    fileFindings = [],
  } = audit;
  const all = Object.values(ranks);
  const notices: AuditNotice[] = [];
  const note = (text: string) => notices.push({ level: "note", text, advice: "", adapters: [] });
  const warn = (code: FindingCode, text: string, names: readonly string[] = []) => {
    const { level, advice } = findingKinds[code];
    notices.push({ code, level, text, advice, adapters: names.map((name) => ({ name })) });
  };
  const scores = adapters.flatMap(({ score }) => score ?? []).sort((x, y) => x - y);
  const assumed = Math.ceil(minBenignFraction * scores.length);
  const early = findWidestGap(scores.slice(0, assumed));
  if (detection && threshold === null && early.ratio >= minFurtherGap) {
    warn(
      "hidden-gap",
      `the scores have a gap of a factor of ${early.ratio.toPrecision(3)} after the ${early.position} smallest, but at least ` +
        `${assumed} of ${scores.length} adapters are assumed to be benign (minBenignFraction ${minBenignFraction}).`,
    );
  }
  const { calibratedFor = Infinity, usualBelow = Infinity } = audit;
  const compared = listCompared(audit);
  if (detection && compared.length > manyMore * calibratedFor) {
    note(
      `The thresholds are those for ${calibratedFor} adapters, the most that were measured; ${compared.length} honest ones may exceed them more often. ` +
        "For a bank of your own: fedclair calibrate.",
    );
  }
  if (detection && rule.by === "evidence" && audit.falseAlarmRate !== undefined) {
    const rate = describeRate({ rate: audit.falseAlarmRate }, rule.falseAlarmRate);
    if (rate !== undefined) warn("false-alarm-rate", `${rate}.`);
  }
  const distant = compared.filter(({ score }) => (score ?? 0) > usualBelow).length;
  if (detection && rule.by === "evidence" && 3 * distant > compared.length) {
    warn("many-stand-out", formatMajority(distant, compared.length, "adapter"));
  }
  if (audit.controls && compared.length < minBenignClients) {
    note(`No adapter is benign: fewer than ${minBenignClients} cannot show what would stand out.`);
  } else if (audit.controls) note(formatControls(audit.controls, audit.bank ?? ""));
  if (all.length > 0) note(`Shared spaces: ${formatSpaceRanks(all)}.`);
  if (audit.identifiable) note(formatMargin(audit.identifiable));
  if (uninformative.length > 0) {
    const few =
      uninformative.length < all.length ? `${listFirst(uninformative.map(shortenModule))}: ` : "";
    warn(
      "uninformative-modules",
      `${few}the shared spaces of ${uninformative.length} of ${countNoun(all.length, "module")} are as large as ` +
        "the spaces of all benign adapters together, so they would contain any such adapter and verdicts based on them " +
        "are chance.",
    );
  }
  for (const group of otherForms) {
    warn(
      "other-form",
      `${group.length} adapters have other modules or shapes than the compared ones, but the same as one another: ${listFirst(group)}.`,
      group,
    );
  }
  if (bases.length > 1) {
    warn("several-bases", `the adapters name ${bases.length} bases: ${listFirst(bases)}.`);
  }
  const uneven = [...findUnevenModules(adapters)];
  for (const [name, far] of uneven.slice(0, mostUneven)) note(formatUneven(name, far));
  if (uneven.length > mostUneven) {
    note(
      `The same is true for modules of ${uneven.length - mostUneven} more adapters: ${listFirst(uneven.slice(mostUneven).map(([other]) => other))}.`,
    );
  }
  const hashOf = new Map(adapters.map(({ name, origin }) => [name, hashWeights(origin)]));
  for (const group of identical) {
    const isOneFile = new Set(group.map((name) => hashOf.get(name) ?? name)).size === 1;
    warn(isOneFile ? "same-file" : "identical", `identical adapters: ${listFirst(group)}.`, group);
  }
  const isIdentical = (group: readonly string[]) =>
    identical.some((same) => group.every((name) => same.includes(name)));
  for (const group of nearCopies.filter((group) => !isIdentical(group))) {
    warn(
      "near-copy",
      `copies of one another, apart from scale and noise, which count once: ${listFirst(group)}.`,
      group,
    );
  }
  if (begunInBase.length > 0 && !centered) {
    const begun =
      `B·A of ${countNoun(begunInBase.length, "adapter")} did not start at zero (init_lora_weights): ` +
      `${listFirst(begunInBase)}. The start is common to all adapters and can hide what training changed`;
    if (rule.by === "evidence") note(`${begun}.`);
    else warn("begun-in-base", `${begun}.`, begunInBase);
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
    note(
      `Skipped (no adapter_config.json, hidden, or no UTF-8 in the name): ${listFirst(skipped)}.`,
    );
  }
  if (refined) listRefinedSentences(refined).forEach(note);
  return [...notices, ...fileFindings];
}

/** Joins the hashes of an adapter's weights; undefined if they are not known. */
function hashWeights(origin: AdapterOrigin | undefined): string | undefined {
  const weights = origin?.files.filter(({ file }) => file !== configFile) ?? [];
  return weights.length === 0 ? undefined : weights.map(({ sha256 }) => sha256).join();
}
