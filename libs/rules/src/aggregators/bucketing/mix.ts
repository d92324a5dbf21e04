import type { Stream } from "@fedclair/linalg";
import { z } from "zod";
import { bucketMixing } from "../robust/mixing.js";
import type { Mixture } from "../robust/mixture.js";

export const size = z
  .int()
  .min(1)
  .default(2)
  .describe("Clients in a bucket, at least 1; fraction · size must be below 1/2.");

/** Replaces the points by the means of random buckets; see `bucketMixing`. */
export function mixBuckets(mixture: Mixture, size: number, rng: Stream): Mixture {
  const indices = Array.from({ length: mixture.count }, (_, k) => k);
  return mixture.mix(bucketMixing(rng.at("buckets").sample(indices), size));
}

/** Do uncontaminated buckets outnumber the others, whichever clients share a bucket? */
export function leavesMajority(fraction: number, size: number): boolean {
  return fraction * size < 0.5;
}

/** Explains what to change if `leavesMajority` is false. */
export const majorityAdvice =
  "expected fraction · size below 1/2, because each contaminated client can contaminate a bucket of " +
  "its own; lower fraction or size";
