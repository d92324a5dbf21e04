import type { Stream } from "@fedclair/linalg";
import type { Trial } from "./trial.js";

/**
 * Returns the number of clients that take part in a round, at least 1. A fraction is rounded to the
 * nearest client.
 */
export function cohortSize({ clients, cohort }: Pick<Trial, "clients" | "cohort">): number {
  if (cohort === "all") return clients;
  return "count" in cohort ? cohort.count : Math.max(1, Math.round(cohort.fraction * clients));
}

/** Samples `size` of the clients, in the order of `ids`; all of them if there are no more. */
export function sampleCohort(ids: readonly string[], size: number, rng: Stream): readonly string[] {
  if (size >= ids.length) return ids;
  return rng
    .sample(
      ids.map((_, i) => i),
      size,
    )
    .sort((a, b) => a - b)
    .map((i) => ids[i] ?? "");
}
