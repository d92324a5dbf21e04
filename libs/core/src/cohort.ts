import type { Stream } from "@fedclair/linalg";
import type { Trial } from "./trial.js";

/** The clients of one round, in the order of `ids`; a fraction is rounded to the nearest client, and never to none. */
export function sampleCohort(
  ids: readonly string[],
  cohort: Trial["cohort"],
  rng: Stream,
): readonly string[] {
  if (cohort === "all") return ids;
  const count =
    "count" in cohort ? cohort.count : Math.max(1, Math.round(cohort.fraction * ids.length));
  return rng
    .sample(
      ids.map((_, i) => i),
      count,
    )
    .sort((a, b) => a - b)
    .map((i) => ids[i] ?? "");
}
