import { z } from "zod";

/** The largest number of runs that differ only by their seed. */
const mostSeeds = 1000;

/** The key `seeds` of a trial file: a number of seeds, or a list of them. */
export const seedsSchema = z.union(
  [
    z.int().min(1).max(mostSeeds),
    z
      .array(z.int().min(0))
      .min(1)
      .max(mostSeeds)
      .refine((seeds) => new Set(seeds).size === seeds.length, "expected seeds that differ"),
  ],
  { error: `expected a number from 1 to ${mostSeeds}, or a list of seeds that differ` },
);

/**
 * Lists the seeds that a number n or a list stands for.
 * @param first the trial's seed: n stands for `first` to `first + n - 1`
 */
export function listSeeds(seeds: z.output<typeof seedsSchema>, first: number): readonly number[] {
  return typeof seeds === "number" ? Array.from({ length: seeds }, (_, i) => first + i) : seeds;
}
