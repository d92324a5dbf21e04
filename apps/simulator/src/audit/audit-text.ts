import type { ClairOptions } from "@fedclair/aggregators";
import { columns } from "@fedclair/trials";
import pc from "picocolors";
import type { Audit } from "./audit.js";
import type { Finding } from "./findings.js";

/** Modules named of one adapter; `--json` has all. */
const mostModules = 3;

/** For the terminal: a row an adapter, the suspects first, then the finding in sentences. */
export function auditText(audit: Audit, { gapMin, minClients }: ClairOptions): string {
  const { adapters, detection, threshold, gap, ranks, ignored, refined } = audit;
  const rows = adapters.toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity));
  const suspects = adapters.filter(({ status }) => status === "contaminated");
  const broken = adapters.filter(({ status }) => status === "invalid");
  const cut = threshold === null ? "none" : threshold.toPrecision(3);
  return [
    columns(
      [
        ["adapter", "status", "score", "threshold", "farthest modules, × the benign median"],
        ...rows.map((row) => cells(row, cut)),
      ],
      ["left", "left", "right", "right", "left"],
    ),
    "",
    detection
      ? `${suspects.length} of ${adapters.length} adapters are contaminated; the scores part by a factor of ${gap.toPrecision(3)} (at least ${gapMin} counts as a gap).`
      : `Too few adapters to suspect any: ${minClients} that can be compared are needed.`,
    `Shared spaces: ${rankText(Object.values(ranks))}.`,
    ...(broken.length > 0
      ? [
          `${broken.length} invalid: other modules or shapes than most have, or numbers that are not finite.`,
        ]
      : []),
    ...(ignored > 0 ? [`${ignored} tensors are no LoRA pairs, and took no part.`] : []),
    ...(refined
      ? [
          `${refined.adapters} refined adapters in ${refined.folder}; their rank keeps ${(100 * (1 - refined.discarded)).toFixed(1)} % of the energy of the refined changes.`,
        ]
      : []),
    "",
  ].join("\n");
}

function cells({ name, status, score, modules }: Finding, threshold: string): string[] {
  const said = status === "benign" ? status : pc.red(status);
  const far = modules
    .filter(({ ratio }) => status === "contaminated" && ratio > 1)
    .map(({ module, ratio }) => `${shortened(module)} ${ratio.toPrecision(3)}`);
  const more = far.length > mostModules ? [`and ${far.length - mostModules} more`] : [];
  return [
    name,
    said,
    score === null ? "–" : score.toPrecision(3),
    threshold,
    [...far.slice(0, mostModules), ...more].join(", "),
  ];
}

/** Without what PEFT puts before every name. */
function shortened(module: string): string {
  return module.replace(/^base_model\.model\./, "");
}

function rankText(ranks: readonly number[]): string {
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  const span = low === high ? String(low) : `${low} to ${high}`;
  return ranks.length === 1
    ? `rank ${span} in the one module`
    : `rank ${span} in ${ranks.length} modules`;
}
