import { item } from "@fedclair/linalg";
import {
  binaryVerdict,
  toMatrix,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type AggregatorPlugin,
  type Tensor,
  type Update,
} from "@fedclair/core";
import { z } from "zod";
import { trimmedPmf } from "./federation/grid.js";
import { detectOutsiders } from "./federation/subspace-detector.js";
import { paramOf } from "./params.js";

const schema = z.strictObject({
  trim: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0.25)
    .describe("Share of the institutions whose lowest, and highest, value of a bin is dropped"),
  maxRank: z.int().min(1).default(4).describe("Largest dimension of the common space"),
  slack: z
    .number()
    .positive()
    .default(2.5)
    .describe(
      "The smallest rank is taken at which the median residual is at most this many noise floors",
    ),
  factor: z.number().positive().default(2).describe("Flagged above this many median residuals"),
  floorFactor: z.number().positive().default(2.5).describe("… and above this many noise floors"),
});

type Options = z.output<typeof schema>;

/**
 * The detector that the task evaluation-bias brings along (docs/tasks/evaluation-bias.md). Reference pmfs: per bin the trimmed
 * mean, without verdicts. Moment matrices: a client's score is how far its matrix lies outside the column space that most share,
 * by re-weighted PCA of the smallest sufficient rank. Goes by the `noise` of the updates.
 */
export const momentSubspace: AggregatorPlugin = {
  name: "moment-subspace",
  summary: "Trimmed mean of histograms; moment matrices outside the common subspace are flagged.",
  schema,
  create: (options: Options): Aggregator => ({
    aggregate: (input) =>
      Promise.resolve(
        input.phase === "reference" ? trimmedMean(input, options.trim) : screen(input, options),
      ),
  }),
};

function trimmedMean({ updates }: AggregatorInput, trim: number): Aggregation {
  const pmfs = updates.map((update) => Float64Array.from(tensorAt(update, "pmf").data));
  const pmf = trimmedPmf(pmfs, trim);
  return { change: [new Map([["pmf", { shape: [pmf.length, 1], data: pmf }]])] };
}

function screen({ updates }: AggregatorInput, options: Options): Aggregation {
  const { rank, floor, residuals, threshold, flagged } = detectOutsiders(
    updates.map((update) => ({
      matrix: toMatrix(tensorAt(update, "moments")),
      noise: update.noise ?? 0,
    })),
    options,
  );
  const kept = updates.filter((_, c) => flagged[c] === false);
  return {
    change: [new Map([["moments", meanOf(kept)]])],
    verdicts: updates.map(({ clientId }, c) =>
      binaryVerdict(clientId, flagged[c] === true, item(residuals, c), threshold),
    ),
    metrics: { rank, floor },
  };
}

/** Weighted by people. @param updates at least one: the median residual is never flagged */
function meanOf(updates: readonly Update[]): Tensor {
  const people = updates.reduce((total, { numExamples }) => total + numExamples, 0);
  const tensors = updates.map((update) => tensorAt(update, "moments"));
  const data = new Float64Array(tensors[0]?.data.length ?? 0);
  updates.forEach(({ numExamples }, c) => {
    tensors[c]?.data.forEach((x, i) => (data[i] = item(data, i) + (x * numExamples) / people));
  });
  return { shape: tensors[0]?.shape ?? [], data };
}

function tensorAt({ delta }: Update, name: string): Tensor {
  const module = delta.get(name);
  if (module === undefined || "b" in module) {
    throw new Error(`moment-subspace: only for the task evaluation-bias, expected module ${name}`);
  }
  return paramOf(new Map([[name, module]]), name);
}
