import { join } from "node:path";
import { candidateKinds, candidateMeanings, oneLine } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { countNoun } from "@fedclair/runs";
import { listFirst } from "../adapters/names-text.js";
import type { MeasuredLosses, RefinedFolder } from "../audit-schema.js";
import { unmeasured } from "../refine/write-refined.js";

/** Creates the sentences about the refined adapters that were written. */
export function listRefinedSentences({
  folder,
  adapters,
  versions,
  unchanged,
  discarded,
  evaluation,
}: RefinedFolder): string[] {
  if (adapters === 0) return ["No refined adapters were written, because no adapter is benign."];
  const percent = (100 * (1 - discarded)).toFixed(1);
  const energy = `with ${percent} % of the energy of the refined changes; the rest needs a higher rank.`;
  const where = oneLine(folder);
  if (evaluation === undefined) {
    const [shrunk = "", added = ""] = versions.map((name) => oneLine(join(folder, name)));
    return [
      `${countNoun(adapters, "refined adapter")} in ${where}, in ${versions.length} versions, ${energy}`,
      `${added} (${candidateMeanings[unmeasured.added]} of the others) is meant for clients that were still learning, and ${shrunk} ` +
        `(${candidateMeanings[unmeasured.shrunk]}) for clients that trained too long on little data; the adapters do not show which, and the ` +
        "wrong version is worse than none, so measure the loss on held-out data before use, for example with --evaluate.",
    ];
  }
  const chosen = evaluation.adapters.map(({ losses, chosen }) => losses[chosen]);
  const own = evaluation.adapters.map(({ losses }) => losses.own);
  return [
    `${countNoun(adapters, "refined adapter")} in ${where}, ${energy}`,
    `The versions with the lowest losses were written: ${formatMean(chosen)} on average, and ${formatMean(own)} for the adapters as they were. ` +
      "On other data expect a smaller gain, because these losses made the choice.",
    ...(unchanged.length > 0
      ? [`Unchanged, because no refined version has a lower loss: ${listFirst(unchanged)}.`]
      : []),
  ];
}

/** Creates the table of losses: a row for each adapter, and the means. */
export function createLossTable({ adapters }: MeasuredLosses): {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const heads = ["adapter", ...candidateKinds.map((kind) => candidateMeanings[kind]), "written"];
  const rows = adapters.map(({ name, losses, chosen }) => [
    oneLine(name),
    ...candidateKinds.map((kind) => formatLoss(losses[kind])),
    candidateMeanings[chosen],
  ]);
  const means = [
    "mean",
    ...candidateKinds.map((kind) => formatMean(adapters.map(({ losses }) => losses[kind]))),
    formatMean(adapters.map(({ losses, chosen }) => losses[chosen])),
  ];
  return { heads, rows: rows.length > 1 ? [...rows, means] : rows };
}

function formatMean(losses: readonly (number | null)[]): string {
  const all = losses.map((loss) => loss ?? Infinity);
  return formatLoss(sum(all) / all.length);
}

function formatLoss(loss: number | null): string {
  return loss !== null && Number.isFinite(loss) ? loss.toPrecision(4) : "not finite";
}
