import type { ClairOptions } from "@fedclair/aggregators";
import { columns } from "@fedclair/runs";
import pc from "picocolors";
import { auditTable, statusColumn } from "./audit-table.js";
import type { Audit } from "./audit-schema.js";
import { remarks, verdictText } from "./remarks.js";

/** For the terminal: a row an adapter, the suspects first, then the finding in sentences. */
export function auditText(audit: Audit, options: ClairOptions): string {
  const { heads, rows } = auditTable(audit, options);
  const body = rows.map((cells) =>
    cells.map((cell, i) => (i === statusColumn ? tinted(cell) : cell)),
  );
  const middle = heads.slice(2, -1).map(() => "right" as const);
  return [
    columns([heads, ...body], ["left", "left", ...middle, "left"]),
    "",
    verdictText(audit, options),
    ...remarks(audit, options).map(({ text, isWarning }) => (isWarning ? pc.red(text) : text)),
    "",
  ].join("\n");
}

function tinted(status: string): string {
  return status === "benign" || status === "undecided" ? status : pc.red(status);
}
