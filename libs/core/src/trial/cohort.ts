import type { Stream } from "@fedclair/linalg";
import { drawPermutation } from "./permutation.js";
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

/**
 * Samples the cohort of a round so that every client takes part once before any takes part again.
 * The last cohort of such a pass is smaller if `size` does not divide the number of clients.
 * @param round the number of the round, starting at 1
 * @param rng the stream of all passes
 * @returns ids in their order
 */
export function samplePass(
  ids: readonly string[],
  size: number,
  round: number,
  rng: Stream,
): readonly string[] {
  const rounds = Math.ceil(ids.length / size);
  const pass = Math.floor((round - 1) / rounds);
  const from = ((round - 1) % rounds) * size;
  const permute = drawPermutation(ids.length, rng.at(pass));
  const places = Array.from({ length: Math.min(size, ids.length - from) }, (_, i) => from + i);
  return Array.from(Int32Array.from(places, permute).sort(), (i) => ids[i] ?? "");
}
