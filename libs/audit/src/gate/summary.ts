import type { ClairOptions } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import type { Audit } from "../audit-schema.js";
import { createAuditTable, statusColumn } from "../text/audit-table.js";
import { formatStep, listNextSteps } from "../text/next-steps.js";
import { listFindings } from "../text/notices.js";
import { formatVerdict } from "../text/verdict.js";
import { isKnown, type Baseline } from "./gate.js";

/** Longer tables are cut; the report has all rows. */
const mostRows = 30;

/**
 * Formats an audit in Markdown for a pull request: the verdict, what to do, and the findings.
 * @param outcome as "passed"
 * @param baseline its adapters are no reason to fail
 */
export function formatSummary(
  audit: Audit,
  options: ClairOptions,
  outcome: string,
  baseline?: Baseline,
): string {
  const known = audit.adapters
    .filter((one) => one.status !== "benign" && isKnown(one, baseline))
    .map(({ name }) => escapeMarkdown(name));
  const { heads, rows } = createAuditTable(audit, options);
  const shown = rows.filter((cells) => cells[statusColumn] !== "benign");
  const steps = listNextSteps(audit, options, (one) => isKnown(one, baseline)).map(formatStep);
  const findings = listFindings(audit, options).map(
    ({ code, level, text, advice }) =>
      `**${level}** \`${code}\`: ${escapeMarkdown(`${text} ${advice}`)}`,
  );
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [
    row(heads),
    row(heads.map(() => "---")),
    ...shown.slice(0, mostRows).map((cells) => row(cells.map(escapeMarkdown))),
  ];
  const more = shown.length - mostRows;
  const parts = [
    `## Audit of ${countNoun(audit.adapters.length, "adapter")}: ${outcome}`,
    escapeMarkdown(formatVerdict(audit, options)),
    ...(known.length > 0 ? [`In the baseline, so no reason to fail: ${known.join(", ")}.`] : []),
    ...listSection("What to do next", steps.map(escapeMarkdown)),
    ...(shown.length > 0 ? [table.join("\n")] : []),
    ...(more > 0 ? [`and ${more} more`] : []),
    ...listSection("Findings", findings),
  ];
  return parts.join("\n\n") + "\n";
}

function listSection(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`### ${title}`, lines.map((line) => `- ${line}`).join("\n")];
}

/** Escapes what Markdown, or HTML in it, would read as markup. Names come from strangers. */
function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]|#!~]/g, String.raw`\$&`)
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/:\/\//g, "&#58;//")
    .replace(/@/g, "&#64;");
}
