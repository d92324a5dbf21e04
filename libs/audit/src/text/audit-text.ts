import type { ClairOptions } from "@fedclair/clair";
import { cardText, columns, reasonTable, type Terminal } from "@fedclair/runs";
import pc from "picocolors";
import type { Audit, AuditOutput } from "../audit-schema.js";
import { auditCard } from "./audit-card.js";
import { createAuditTable, statusColumn } from "./audit-table.js";
import { formatNotice, listFindings, listNotices } from "./notices.js";
import { formatStep, listNextSteps } from "./next-steps.js";
import { createReadingTable, readingLead } from "./reading-text.js";
import { createLossTable } from "./refined-text.js";
import { formatVerdict } from "./verdict.js";

/**
 * Formats an audit for the terminal: the table of adapters, the verdict and the notices.
 * @param isKnown as for `listNextSteps`
 * @param terminal longer lines than it has columns are wrapped at spaces; by default none are
 */
export function formatAudit(
  audit: Audit,
  options: ClairOptions,
  isKnown?: Parameters<typeof listNextSteps>[2],
  terminal?: Terminal,
): string {
  const { heads, rows } = createAuditTable(audit, options);
  const body = rows.map((cells) =>
    cells.map((cell, i) => {
      if (i === statusColumn) return colourStatus(cell);
      // Reasons may have lines of their own, which nobody needs for benign adapters.
      const isPlain = terminal && i === heads.length - 1 && cells[statusColumn] === "benign";
      return isPlain ? "" : cell;
    }),
  );
  const middle = heads.slice(2, -1).map(() => "right" as const);
  const wrap = (text: string) => (terminal ? terminal.wrap(text, terminal.width) : text);
  return [
    reasonTable([heads, ...body], ["left", "left", ...middle], terminal),
    "",
    wrap(cardText(auditCard(audit))),
    wrap(formatVerdict(audit, options)),
    ...listNotices(audit, options).map((notice) =>
      wrap(notice.level === "note" ? formatNotice(notice) : pc.red(formatNotice(notice))),
    ),
    ...formatReading(audit, terminal),
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

function formatReading({ reading }: Audit, terminal?: Terminal): string[] {
  if (reading === undefined) return [];
  const { heads, rows } = createReadingTable(reading);
  const lead = terminal ? terminal.wrap(readingLead, terminal.width) : readingLead;
  return ["", lead, reasonTable([heads, ...rows], ["left", "left", "left"], terminal)];
}

function colourStatus(status: string): string {
  if (status === "benign") return status;
  return status === "undecided" ? pc.yellow(status) : pc.red(status);
}
