import { formatEvidence, isFarOutside, type ClairOptions } from "@fedclair/aggregators";
import { oneLine } from "@fedclair/core/internal";
import type { Audit } from "./audit-schema.js";
import { evidenceCells, evidenceHeads } from "./evidence-text.js";
import type { Finding } from "./findings.js";
import { firstOf, shortened } from "../adapters/names-text.js";

/** Beyond it a ratio says that benign adapters differ by rounding, and no more. */
const largestRatio = 1000;

export interface AuditTable {
  readonly heads: readonly string[];
  /** The suspects first; as many cells as heads, each one line that prints. */
  readonly rows: readonly (readonly string[])[];
}

/** The column of the statuses. */
export const statusColumn = 1;

/** A row an adapter, for people. */
export function auditTable({ adapters, threshold }: Audit, { rule }: ClairOptions): AuditTable {
  const rows = adapters.toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity));
  const cut = threshold === null ? "none" : threshold.toPrecision(3);
  const isByEvidence = rule === "evidence";
  const heads = isByEvidence ? evidenceHeads : ["threshold"];
  const last = isByEvidence ? "why" : "farthest modules, × the benign median";
  return {
    heads: ["adapter", "status", "score", ...heads, last],
    rows: rows.map((row) => [
      ...[oneLine(row.name), row.status],
      row.score === null ? "–" : row.score.toPrecision(3),
      ...(isByEvidence ? evidenceCells(row, adapters) : [cut]),
      whyOf(row, isByEvidence),
    ]),
  };
}

/** Why an adapter is not benign. */
function whyOf(finding: Finding, isByEvidence: boolean): string {
  const { status, modules, reason, evidence = [] } = finding;
  if (reason !== undefined) return oneLine(reason);
  if (status !== "contaminated") return "";
  const far = modules
    .filter(({ ratio }) => ratio > 1)
    .map(({ module, ratio }) => `${shortened(module)} ${ratioText(ratio)}`);
  if (!isByEvidence) return firstOf(far);
  const against = formatEvidence(evidence);
  return evidence.some(isFarOutside) ? `${against}; farthest: ${firstOf(far)}` : against;
}

function ratioText(ratio: number): string {
  return ratio > largestRatio ? `>${largestRatio}` : ratio.toPrecision(3);
}
