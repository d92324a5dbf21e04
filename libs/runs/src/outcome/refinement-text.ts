import { candidateMeanings, type CandidateKind } from "@fedclair/core/internal";
import type { Run } from "../run/read-run.js";

/**
 * Formats what the benign clients chose on held-back data: `70 choices: own 12, CLAIR 58`. Returns
 * undefined if no client had a choice.
 */
export function refinementText({ summary }: Pick<Run, "summary">): string | undefined {
  const chosen = summary.details.filter(({ scope, value }) => scope === "refinement" && value > 0);
  const [first] = chosen;
  if (!first) return undefined;
  const counts = chosen.map(
    ({ metric, value }) => `${candidateMeanings[metric as CandidateKind]} ${value}`,
  );
  return `${first.n ?? 0} choices on held-back data: ${counts.join(", ")}`;
}
