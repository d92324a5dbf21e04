import type { ClairOptions } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import { listFirst, shortenModule } from "../adapters/names-text.js";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { formatEvidenceCells, evidenceHeads } from "./evidence-text.js";

/** A larger ratio only means that benign adapters differ by rounding. */
const largestRatio = 1000;
/** A smaller score only means that adapters differ by rounding. */
const leastScore = 1e-6;

interface AuditTable {
  readonly heads: readonly string[];
  /** Highest score first; as many cells as headings, each printable on one line. */
  readonly rows: readonly (readonly string[])[];
}

/** Index of the column with the statuses. */
export const statusColumn = 1;

/** Creates a table with one row per adapter. */
export function createAuditTable(
  { adapters, threshold }: Audit,
  { rule }: ClairOptions,
): AuditTable {
  const rows = adapters.toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity));
  const cut = threshold === null ? "none" : threshold.toPrecision(3);
  const isByEvidence = rule.by === "evidence";
  const heads = isByEvidence ? evidenceHeads : ["threshold"];
  const last = isByEvidence ? "why" : "farthest modules (× benign median)";
  return {
    heads: ["adapter", "status", "score", ...heads, last],
    rows: rows.map((row) => [
      oneLine(row.name),
      row.status,
      formatScore(row.score),
      ...(isByEvidence ? formatEvidenceCells(row, adapters) : [cut]),
      formatReason(row, isByEvidence),
    ]),
  };
}

function formatScore(score: number | null): string {
  if (score === null) return "–";
  return score < leastScore ? "0" : score.toPrecision(3);
}

/** Explains the status of an adapter. */
function formatReason(finding: AdapterFinding, isByEvidence: boolean): string {
  const { status, modules, reason } = finding;
  const sentence = reason === undefined ? "" : oneLine(reason);
  if (status === "benign" && isByEvidence) return sentence || "nothing stands out";
  if (status !== "contaminated" || isByEvidence) return sentence;
  const far = modules
    .filter(({ ratio }) => ratio > 1)
    .map(({ module, ratio }) => `${shortenModule(module)} ${formatRatio(ratio)}`);
  return sentence || listFirst(far);
}

function formatRatio(ratio: number): string {
  return ratio > largestRatio ? `>${largestRatio}` : ratio.toPrecision(3);
}
