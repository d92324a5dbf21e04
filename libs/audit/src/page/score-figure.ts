import { oneLine } from "@fedclair/core/internal";
import { drawScores, thresholdText, type Drawing } from "@fedclair/view";
import type { Audit } from "../audit-schema.js";
import { highlighted } from "./evidence-figure.js";

/** Smaller tangents are rounding errors and do not fit on a logarithmic axis. */
const floor = 1e-6;

/** Draws the scores and the threshold like the report of a run, with a mark for each adapter. */
export function auditScoreFigure({ adapters, threshold = null }: Audit): Drawing {
  const isByEvidence = adapters.some(({ evidence }) => evidence !== undefined);
  const points = adapters.flatMap((one) => {
    const { status, score } = one;
    if (score === null) return [];
    const name = oneLine(one.name);
    return {
      round: 1,
      panel: thresholdText(threshold),
      client: name,
      truth: status,
      score: isByEvidence ? score : Math.max(score, floor),
      threshold,
      flagged: status === "contaminated",
      mistake: "",
      note: status,
      about: `${name}: score ${score.toPrecision(3)}, ${status}`,
    };
  });
  const meaning = isByEvidence
    ? "the length of the vector of the pieces of evidence below"
    : "the tangent of the angle to the shared space";
  return {
    name: "scores",
    title: "Scores against the threshold",
    caption: `The score is ${meaning}. Filled: contaminated, above the threshold (dashed).`,
    draw: (width) => drawScores(points, highlighted, width),
  };
}
