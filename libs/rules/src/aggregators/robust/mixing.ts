import { indices, Matrix, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import { squaredDistances } from "./gram.js";
import type { Mixture } from "./mixture.js";
import { forSmallest } from "./smallest.js";

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772): Y_i is the mean of the
 * K - f points nearest to V_i, including V_i itself; of equally near points the first ones count.
 * @param squared distances, K×K
 * @returns K×K; column i holds the weights of the points in Y_i
 */
export function nearestNeighbourMixing(squared: Matrix, f: number): Matrix {
  const count = squared.rows;
  const out = new Matrix(count, count);
  for (let i = 0; i < count; i++) {
    forSmallest(squared.column(i), count - f, (k) => {
      out.data[k + i * count] = 1 / (count - f);
    });
  }
  return out;
}

/** Replaces every point by the mean of its K - f nearest ones; see `nearestNeighbourMixing`. */
export async function mixNearest(points: Mixture, f: number): Promise<Mixture> {
  return points.mix(nearestNeighbourMixing(squaredDistances(await points.gram()), f));
}

/**
 * Bucketing (Karimireddy et al., ICLR 2022, arXiv 2006.09365): consecutive points of the order form
 * buckets of `size`, and Y_i is the mean of bucket i. The last bucket may be smaller.
 * @param order the indices of the K points, each once
 * @returns K×⌈K/size⌉; column i holds the weights of the points in Y_i
 */
export function bucketMixing(order: readonly number[], size: number): Matrix {
  const count = order.length;
  const out = new Matrix(count, Math.ceil(count / size));
  for (let i = 0; i < out.cols; i++) {
    const bucket = order.slice(i * size, (i + 1) * size);
    for (const k of bucket) out.data[k + i * count] = 1 / bucket.length;
  }
  return out;
}

/** Replaces the points by the means of random buckets; see `bucketMixing`. */
export function mixBuckets(points: Mixture, size: number, rng: Stream): Mixture {
  return points.mix(bucketMixing(rng.at("buckets").sample(indices(points.count)), size));
}

export const bucketSize = z
  .int()
  .min(1)
  .default(2)
  .describe("Clients in a bucket, at least 1; fraction · size must be below 1/2.");

/** Do uncontaminated buckets outnumber the others, whichever clients share a bucket? */
export function leavesMajority(fraction: number, size: number): boolean {
  return fraction * size < 0.5;
}

/** Explains what to change if `leavesMajority` is false. */
export const majorityAdvice =
  "expected fraction · size below 1/2, because each contaminated client can contaminate a bucket of " +
  "its own; lower fraction or size";
