import type { ClairOptions } from "@fedclair/clair";
import { columns } from "@fedclair/runs";
import pc from "picocolors";
import type { Audit, AuditOutput } from "../audit-schema.js";
import { createAuditTable, statusColumn } from "./audit-table.js";
import { formatNotice, listFindings, listNotices } from "./notices.js";
import { formatStep, listNextSteps } from "./next-steps.js";
import { createLossTable } from "./refined-text.js";
import { formatVerdict } from "./verdict.js";

/**
 * Formats an audit for the terminal: the table of adapters, the verdict and the notices.
 * @param isKnown as for `listNextSteps`
 */
export function formatAudit(
  audit: Audit,
  options: ClairOptions,
  isKnown?: Parameters<typeof listNextSteps>[2],
): string {
  const { heads, rows } = createAuditTable(audit, options);
  const body = rows.map((cells) =>
    cells.map((cell, i) => (i === statusColumn ? colourStatus(cell) : cell)),
  );
  const middle = heads.slice(2, -1).map(() => "right" as const);
  return [
    columns([heads, ...body], ["left", "left", ...middle, "left"]),
    "",
    formatVerdict(audit, options),
    ...listNotices(audit, options).map((notice) =>
      notice.level === "note" ? formatNotice(notice) : pc.red(formatNotice(notice)),
    ),
    ...formatLosses(audit),
    ...formatSteps(listNextSteps(audit, options, isKnown)),
    "",
  ].join("\n");
}

function formatSteps(steps: ReturnType<typeof listNextSteps>): string[] {
  if (steps.length === 0) return [];
  return ["", "What to do next:", ...steps.map((step) => `- ${formatStep(step)}`)];
}

/** Formats an audit as `--json` prints it. */
export function formatJson(audit: Audit, options: ClairOptions): string {
  const output: AuditOutput = { ...audit, findings: listFindings(audit, options) };
  return JSON.stringify({ ...output, fileFindings: undefined }) + "\n";
}

function formatLosses({ refined }: Audit): string[] {
  const table = refined?.evaluation && createLossTable(refined.evaluation);
  if (table === undefined || table.rows.length === 0) return [];
  const middle = table.heads.slice(1, -1).map(() => "right" as const);
  return ["", columns([table.heads, ...table.rows], ["left", ...middle, "left"])];
}

function colourStatus(status: string): string {
  return status === "benign" || status === "undecided" ? status : pc.red(status);
}
