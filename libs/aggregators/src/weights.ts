import type { Update } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { z } from "zod";

export const weighting = z
  .enum(["samples", "uniform"])
  .describe("How clients count in a mean: by their number of samples, or all alike.");

export type Weighting = z.infer<typeof weighting>;

/** Weights w_k ≥ 0 of the clients in a mean, summing to 1, in the order of the updates. */
export function computeWeights(
  updates: readonly Pick<Update, "numExamples">[],
  by: Weighting,
): Float64Array {
  const counts = Float64Array.from(updates, (u) => (by === "samples" ? u.numExamples : 1));
  const total = sum(counts);
  return counts.map((n) => n / total);
}
