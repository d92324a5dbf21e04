import { excerpt, type Aggregation, type Update } from "@fedclair/core";
import { median, sum } from "@fedclair/linalg";
import { z } from "zod";

export const weighting = z
  .enum(["samples", "uniform"])
  .describe("How clients are weighted in a mean: by their number of samples, or equally.");

export type Weighting = z.infer<typeof weighting>;

/** The `exampleLimit` of a rule that has no such option. */
const usualLimit = 10;

/** The largest number of samples that counts, because a client can claim any number. */
export const exampleLimit = z
  .number()
  .min(1)
  .default(usualLimit)
  .describe(
    "With weighting: samples, the largest number of samples that counts, as a multiple of the median of the clients; a larger number counts as this one.",
  );

/** The options of a mean. */
export const weightingSchema = z.strictObject({
  weighting: weighting.default("samples"),
  exampleLimit,
});

export type WeightingOptions = z.infer<typeof weightingSchema>;

/** The weighting of a rule. Without an option `exampleLimit` the usual limit holds. */
type Weighing = Pick<WeightingOptions, "weighting"> & Partial<WeightingOptions>;

/** Counts the samples of the clients of one round, up to the limit. */
export class SampleCounter {
  readonly #options: Weighing;
  #most: number | undefined;
  #reduced = 0;
  /** The first client that claimed more than the limit. */
  #first: Update | undefined;

  constructor(options: Weighing) {
    this.#options = options;
  }

  /**
   * Returns the weights of clients, in the order of their updates; they need not sum to 1. If a
   * round is counted in parts, the median of the first part, a random sample, holds for all.
   */
  count(updates: readonly Update[]): Float64Array {
    const { weighting: by, exampleLimit: limit = usualLimit } = this.#options;
    if (by === "uniform" || updates.length === 0) return countWeights(updates, by);
    const most = (this.#most ??= findMost(updates, limit));
    for (const update of updates) {
      if (update.numExamples <= most) continue;
      this.#first ??= update;
      this.#reduced++;
    }
    return countUpTo(updates, most);
  }

  /** Says which clients claimed more than the limit; empty if none did. */
  get told(): Pick<Aggregation, "notice"> {
    const [most, first] = [this.#most, this.#first];
    if (most === undefined || first === undefined) return {};
    const others = this.#reduced > 1 ? ` and ${this.#reduced - 1} more` : "";
    const who = `${excerpt(first.clientId)} with ${first.numExamples}${others}`;
    const { exampleLimit: limit } = this.#options;
    const times = `${limit ?? usualLimit} times the median${limit === undefined ? "" : " (exampleLimit)"}`;
    return { notice: `more examples than ${most}, ${times}, count as that many: ${who}` };
  }
}

/**
 * Computes the weights w_k ≥ 0 of the clients in a mean. They sum to 1 and are in the order of the
 * updates.
 */
export function computeWeights(
  updates: readonly Pick<Update, "numExamples">[],
  by: Weighting,
): Float64Array {
  return normalize(countWeights(updates, by));
}

/** Computes the same weights without dividing them by their sum. */
export function countWeights(
  updates: readonly Pick<Update, "numExamples">[],
  by: Weighting,
): Float64Array {
  if (by === "uniform" || updates.length === 0) return new Float64Array(updates.length).fill(1);
  return countUpTo(updates, findMost(updates, usualLimit));
}

/**
 * Computes the weights of a mean with the options of a rule.
 * @returns `weights`, which sum to 1, and `told`, what the result of the rule says about them
 */
export function weigh(updates: readonly Update[], options: Weighing) {
  const counter = new SampleCounter(options);
  return { weights: normalize(counter.count(updates)), told: counter.told };
}

function findMost(updates: readonly Pick<Update, "numExamples">[], limit: number): number {
  return limit * median(Float64Array.from(updates, ({ numExamples }) => numExamples));
}

function countUpTo(updates: readonly Pick<Update, "numExamples">[], most: number): Float64Array {
  return Float64Array.from(updates, ({ numExamples }) => Math.min(numExamples, most));
}

function normalize(counts: Float64Array): Float64Array {
  const total = sum(counts);
  return counts.map((n) => n / total);
}
