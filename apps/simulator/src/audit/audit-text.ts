import type { ClairOptions } from "@fedclair/aggregators";
import { oneLine } from "@fedclair/core";
import { columns } from "@fedclair/runs";
import pc from "picocolors";
import { evidenceAgainst, evidenceCells, evidenceHeads } from "./evidence-text.js";
import type { Finding } from "./findings.js";
import type { Comparison } from "./compare-adapters.js";
import { nameInBase } from "./peft-config.js";
import type { RefinedFolder } from "./write-refined.js";

/** What an audit says, as `--json` prints it. */
export interface Audit extends Comparison {
  /** Folders beside adapters that have no configuration of one. */
  readonly skipped: readonly string[];
  readonly refined?: RefinedFolder;
}

/** Names in a row or a sentence; `--json` has all. */
const mostNames = 3;

/** Beyond it a ratio says that benign adapters differ by rounding, and no more. */
const largestRatio = 1000;

/** For the terminal: a row an adapter, the suspects first, then the finding in sentences. */
export function auditText(audit: Audit, options: ClairOptions): string {
  const { adapters, threshold } = audit;
  const rows = adapters.toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity));
  const cut = threshold === null ? "none" : threshold.toPrecision(3);
  const isByEvidence = options.rule === "evidence";
  const heads = isByEvidence ? evidenceHeads : ["threshold"];
  const last = isByEvidence ? "why" : "farthest modules, × the benign median";
  const body = rows.map((row) => {
    const middle = isByEvidence ? evidenceCells(row, adapters) : [cut];
    return [...cells(row), ...middle, whyOf(row, isByEvidence)];
  });
  return [
    columns(
      [["adapter", "status", "score", ...heads, last], ...body],
      ["left", "left", "right", ...heads.map(() => "right" as const), "left"],
    ),
    "",
    verdictText(audit, options),
    ...remarks(audit, options),
    "",
  ].join("\n");
}

function cells({ name, status, score }: Finding): string[] {
  const said = status === "benign" || status === "undecided" ? status : pc.red(status);
  return [oneLine(name), said, score === null ? "–" : score.toPrecision(3)];
}

/** Why an adapter is not benign. */
function whyOf(finding: Finding, isByEvidence: boolean): string {
  const { status, modules, reason } = finding;
  if (reason !== undefined) return oneLine(reason);
  if (status !== "contaminated") return "";
  const far = modules
    .filter(({ ratio }) => ratio > 1)
    .map(({ module, ratio }) => `${shortened(module)} ${ratioText(ratio)}`);
  if (!isByEvidence) return firstOf(far);
  return evidenceAgainst(finding) || `outside the shared space: ${firstOf(far)}`;
}

function verdictText(
  { adapters, detection, threshold, gap }: Audit,
  { rule, gapMin, minClients, falseAlarmRate }: ClairOptions,
): string {
  const isScored = adapters.some(({ score }) => score !== null);
  if (!isScored) return "There is nothing to compare: no adapter changes anything.";
  if (!detection) {
    return `Too few adapters to suspect any: ${minClients} that can be compared are needed.`;
  }
  const suspects = adapters.filter(({ status }) => status === "contaminated").length;
  const count = `${suspects} of ${adapters.length} adapters ${suspects === 1 ? "is" : "are"} contaminated`;
  if (rule === "evidence") {
    const unsure = adapters.filter(({ status }) => status === "undecided").length;
    const others = unsure === 0 ? "" : `, ${unsure} of ${adapters.length} undecided`;
    return `${count}${others}: scores above 1 stand out, as one does in a pile of ${Math.round(1 / falseAlarmRate)} without a contaminated adapter.`;
  }
  const ratio = gap.toPrecision(3);
  if (rule !== "gap") {
    return `${count} by the rule ${rule}; neighbouring scores part by a factor of ${ratio} at most.`;
  }
  return threshold === null
    ? `${count}: neighbouring scores part by a factor of ${ratio} at most, and a gap takes ${gapMin}.`
    : `${count}; the scores part by a factor of ${ratio} (at least ${gapMin} counts as a gap).`;
}

/** What else there is to know, a sentence each. */
function remarks(
  audit: Audit,
  { rule, centered, minBenignFraction, gapMin2 }: ClairOptions,
): string[] {
  const { adapters, detection, threshold, ranks, uninformative } = audit;
  const { ignored, dora, begunInBase, identical, bases, skipped, refined } = audit;
  const all = Object.values(ranks);
  const said: string[] = [];
  const scores = adapters.flatMap(({ score }) => score ?? []).sort((x, y) => x - y);
  const assumed = Math.ceil(minBenignFraction * scores.length);
  const early = widestGap(scores.slice(0, assumed));
  if (detection && threshold === null && early.ratio >= gapMin2) {
    said.push(
      pc.red(
        `Warning: scores part by a factor of ${early.ratio.toPrecision(3)} behind the ${early.position} smallest, but as many as ` +
          `${assumed} of ${scores.length} adapters are taken for benign (minBenignFraction ${minBenignFraction}): if more than half may be ` +
          "contaminated, set it lower. Then the larger group decides what is benign.",
      ),
    );
  }
  if (all.length > 0) said.push(`Shared spaces: ${rankText(all)}.`);
  if (uninformative.length > 0) {
    const few =
      uninformative.length < all.length ? `${firstOf(uninformative.map(shortened))}: ` : "";
    said.push(
      pc.red(
        `Warning: ${few}the shared spaces of ${uninformative.length} of ${counted(all.length, "module")} are as large as ` +
          "all that benign adapters have there together, and so would hold any such adapters: verdicts that rest on them " +
          "are chance. Set a lower rank (--set rank=…), or audit more adapters.",
      ),
    );
  }
  if (bases.length > 1) {
    said.push(
      pc.red(
        `Warning: the adapters name ${bases.length} bases: ${firstOf(bases)}. Changes of different models cannot be compared: ` +
          "audit those of each base apart, unless these are names of one.",
      ),
    );
  }
  for (const group of identical) {
    said.push(pc.red(`Warning: the same to the last number: ${firstOf(group)}.`));
  }
  if (begunInBase.length > 0 && !centered) {
    const begun =
      `B·A of ${counted(begunInBase.length, "adapter")} began elsewhere than at zero (init_lora_weights): ` +
      `${firstOf(begunInBase)}. That part is common to all and can hide what training changed`;
    said.push(
      rule === "evidence"
        ? `${begun}: what varies between adapters was judged as well.`
        : pc.red(`Warning: ${begun}. Compare what varies: --set centered=true.`),
    );
  }
  if (dora.length > 0) {
    said.push(
      `${counted(dora.length, "adapter")} with DoRA, judged by B·A without the magnitudes: ${firstOf(dora)}.`,
    );
  }
  if (ignored.length > 0) {
    said.push(`No LoRA pairs, not judged: ${firstOf(ignored.map(shortened))}.`);
  }
  if (skipped.length > 0) {
    said.push(`No adapter_config.json, left out: ${firstOf(skipped)}.`);
  }
  if (refined?.adapters === 0) said.push("No refined adapters: no adapter is benign.");
  else if (refined) {
    const kept = (100 * (1 - refined.discarded)).toFixed(1);
    said.push(
      `${counted(refined.adapters, "refined adapter")} in ${refined.folder}, with ${kept} % of the energy of the refined changes: the rest takes a higher rank.`,
    );
  }
  return said;
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

/** For a line of its own. */
function shortened(module: string): string {
  return oneLine(nameInBase(module));
}

function ratioText(ratio: number): string {
  return ratio > largestRatio ? `>${largestRatio}` : ratio.toPrecision(3);
}

function firstOf(names: readonly string[]): string {
  const more = names.length > mostNames ? [`and ${names.length - mostNames} more`] : [];
  return [...names.slice(0, mostNames).map(oneLine), ...more].join(", ");
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function rankText(ranks: readonly number[]): string {
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  const span = low === high ? String(low) : `${low} to ${high}`;
  return ranks.length === 1
    ? `rank ${span} in the one module`
    : `rank ${span} in ${ranks.length} modules`;
}
