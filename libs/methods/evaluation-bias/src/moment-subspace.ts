import { item } from "@fedclair/linalg";
import {
  type Dense,
  sizeOf,
  readNumbers,
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
import { trimmedPmf, trimOfEachSide } from "./federation/grid.js";
import { detectOutsiders } from "./federation/subspace-detector.js";

const schema = z.strictObject({
  trim: z
    .number()
    .min(0)
    .lt(0.5)
    .default(trimOfEachSide)
    .describe(
      "Share of the institutions dropped at each end when averaging a bin, from 0 to below 0.5",
    ),
  maxRank: z.int().min(1).default(4).describe("Largest dimension of the common space"),
  slack: z
    .number()
    .positive()
    .default(2.5)
    .describe(
      "The rank is the smallest one at which the median residual is at most this many noise floors",
    ),
  factor: z
    .number()
    .positive()
    .default(2)
    .describe("An institution is flagged above this many median residuals …"),
  floorFactor: z.number().positive().default(2.5).describe("… and above this many noise floors"),
});

type Options = z.output<typeof schema>;

/**
 * The detector that comes with the task evaluation-bias (README.md). For
 * reference pmfs it returns the trimmed mean of each bin, without verdicts. For moment matrices, a
 * client's score is the distance of its matrix from the column space that most clients share. The
 * space is found by re-weighted PCA of the smallest sufficient rank. It depends on the `noise` of
 * the updates.
 */
export const momentSubspace: AggregatorPlugin = {
  name: "moment-subspace",
  summary:
    "Takes the trimmed mean of histograms, and flags moment matrices outside the common subspace.",
  schema,
  create: (options: Options): Aggregator => ({
    aggregate: (input) =>
      Promise.resolve(
        input.phase === "reference" ? trimmedMean(input, options.trim) : screen(input, options),
      ),
  }),
};

function trimmedMean({ updates }: AggregatorInput, trim: number): Aggregation {
  const pmfs = updates.map((update) => Float64Array.from(readNumbers(getTensor(update, "pmf"))));
  const pmf = trimmedPmf(pmfs, trim);
  return { change: [new Map([["pmf", { shape: [pmf.length, 1], data: pmf }]])] };
}

function screen({ updates }: AggregatorInput, options: Options): Aggregation {
  const { rank, floor, residuals, threshold, flagged } = detectOutsiders(
    updates.map((update) => ({
      matrix: toMatrix(getTensor(update, "moments")),
      noise: update.noise ?? 0,
    })),
    options,
  );
  const admitted = updates.filter((_, c) => flagged[c] === false);
  return {
    change: [new Map([["moments", averageMoments(admitted)]])],
    verdicts: updates.map(({ clientId }, c) =>
      binaryVerdict(clientId, flagged[c] === true, item(residuals, c), threshold),
    ),
    metrics: { rank, floor },
  };
}

/**
 * Averages the moments, weighted by people.
 * @param updates at least one, which is certain because the median residual is never flagged
 */
function averageMoments(updates: readonly Update[]): Dense {
  const people = updates.reduce((total, { numExamples }) => total + numExamples, 0);
  const tensors = updates.map((update) => getTensor(update, "moments"));
  const shape = tensors[0]?.shape ?? [];
  const data = new Float64Array(sizeOf(shape));
  updates.forEach(({ numExamples }, c) => {
    readNumbers(item(tensors, c)).forEach(
      (x, i) => (data[i] = item(data, i) + (x * numExamples) / people),
    );
  });
  return { shape, data };
}

function getTensor({ delta }: Update, name: string): Tensor {
  const module = delta.get(name);
  if (module === undefined || "b" in module) {
    throw new Error(`moment-subspace: only for the task evaluation-bias, expected module ${name}`);
  }
  return module;
}
