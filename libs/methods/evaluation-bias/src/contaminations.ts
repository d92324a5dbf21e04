import type { DataContamination } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";

const sd = z.number().positive();

const spike = z.strictObject({
  share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.4)
    .describe("Share of the scores that are moved, in (0, 1]"),
  mean: z.number().default(1).describe("Mean of the moved scores"),
  sd: sd.default(0.15).describe("Standard deviation of the moved scores"),
});
const bimodal = z.strictObject({
  distance: sd.default(1.5).describe("Distance of both modes from 0"),
  sd: sd.default(0.4).describe("Standard deviation of each mode"),
});
const plateau = z
  .strictObject({
    lo: z.number().default(-1).describe("Lowest score"),
    hi: z.number().default(2).describe("Highest score"),
  })
  .refine(({ lo, hi }) => lo < hi, "expected lo < hi");
const deflate = z.strictObject({
  mean: z.number().default(-1.2).describe("Mean of all scores"),
  sd: sd.default(1).describe("Standard deviation of all scores"),
});
const inside = z.strictObject({
  alpha: z.number().positive().default(0.3).describe("Risk-averseness in every panel"),
});

/** The ways in which institutions can fabricate scores, with their options. */
export const contaminations: ReadonlyMap<string, z.ZodObject> = new Map<string, z.ZodObject>([
  ["spike", spike],
  ["bimodal", bimodal],
  ["plateau", plateau],
  ["deflate", deflate],
  ["inside", inside],
]);

/** The kinds for scores from a table, whose evaluation cannot be simulated again. */
export const ownContaminations: typeof contaminations = new Map(
  [...contaminations].filter(([kind]) => kind !== "inside"),
);

/**
 * Fabricates the scores of either group.
 * @param honest scores before fabrication
 * @returns as many scores
 */
export function fabricate(
  { kind, options }: DataContamination,
  honest: Float64Array,
  rng: Stream,
): Float64Array {
  switch (kind) {
    case "spike": {
      const { share, mean, sd } = spike.parse(options);
      return honest.map((score) => (rng.uniform() < share ? mean + sd * rng.normal() : score));
    }
    case "bimodal": {
      const { distance, sd } = bimodal.parse(options);
      return honest.map(() => (rng.int(2) === 0 ? -distance : distance) + sd * rng.normal());
    }
    case "plateau": {
      const { lo, hi } = plateau.parse(options);
      return honest.map(() => lo + (hi - lo) * rng.uniform());
    }
    case "deflate": {
      const { mean, sd } = deflate.parse(options);
      return honest.map(() => mean + sd * rng.normal());
    }
    default:
      return honest; // `inside` fabricates no scores, but evaluates differently
  }
}

/**
 * Returns the risk-averseness that an institution of kind `inside` uses in every panel; undefined
 * for all other kinds.
 */
export function riskAversenessOf(contamination: DataContamination | undefined): number | undefined {
  return contamination?.kind === "inside" ? inside.parse(contamination.options).alpha : undefined;
}
