import type { Update } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { z } from "zod";

export const weighting = z
  .enum(["samples", "uniform"])
  .describe("How clients are weighted in a mean: by their number of samples, or equally.");

export type Weighting = z.infer<typeof weighting>;

/** The options of a mean. */
export const weightingSchema = z.strictObject({ weighting: weighting.default("samples") });

/**
 * Computes the weights w_k ≥ 0 of the clients in a mean. They sum to 1 and are in the order of the
 * updates.
 */
export function computeWeights(
  updates: readonly Pick<Update, "numExamples">[],
  by: Weighting,
): Float64Array {
  const counts = countWeights(updates, by);
  const total = sum(counts);
  return counts.map((n) => n / total);
}

/** Computes the same weights without dividing them by their sum. */
export function countWeights(
  updates: readonly Pick<Update, "numExamples">[],
  by: Weighting,
): Float64Array {
  return Float64Array.from(updates, (u) => (by === "samples" ? u.numExamples : 1));
}
