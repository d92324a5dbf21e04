import type { AggregatorPlugin, Delta, Update } from "@fedclair/core";
import { Matrix, median, multiply } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { centeredClipWeights, computeNorms } from "../robust/clipping.js";
import { fraction, countPresumedContaminated } from "../robust/contaminated.js";
import { medianOf, createTrimmedMean } from "../robust/coordinates.js";
import { geometricMedianWeights } from "../robust/geometric-median.js";
import { gramOf, squaredDistances } from "../robust/gram.js";
import { sortByScore, computeKrumScores } from "../krum/scores.js";
import { mixGram, nearestNeighbourMixing } from "../robust/mixing.js";
import { groupByModule, aggregateCoordinates } from "../robust/modules.js";
import { createPointsFromGram } from "../robust/points.js";

const schema = z.strictObject({
  fraction,
  rule: z
    .enum([
      "mean",
      "krum",
      "geometric-median",
      "centered-clipping",
      "coordinate-median",
      "trimmed-mean",
    ])
    .default("geometric-median")
    .describe(
      "Rule that aggregates the mixed changes, unweighted and with its defaults; krum and trimmed-mean use the same f.",
    ),
});

type Options = z.infer<typeof schema>;

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772) followed by another
 * rule. Every change is first replaced by Y_i, the mean of the K - f changes nearest to X_i,
 * including X_i itself. If the rule only weights the Y_i, these weights translate into weights of
 * the X_k, so low-rank pairs stay pairs. With a coordinate-wise rule the change is dense.
 */
export const nnm: AggregatorPlugin = {
  name: "nnm",
  summary:
    "Another robust rule, applied to changes that were averaged with their nearest neighbours.",
  acceptsStale: true,
  schema,
  create: (options: Options) => ({
    aggregate: async ({ updates }) => {
      const f = countPresumedContaminated(options.fraction, updates.length);
      const gram = await gramOf([...groupByModule(updates).values()]);
      const mixing = nearestNeighbourMixing(squaredDistances(gram), f);
      return { change: await rules[options.rule]({ updates, f, gram, mixing }), metrics: { f } };
    },
  }),
};

interface MixedRound {
  readonly updates: readonly Update[];
  readonly f: number;
  /** Gram matrix of the changes before mixing. */
  readonly gram: Matrix;
  /** Mixing matrix; column i holds the weights of the changes in Y_i. */
  readonly mixing: Matrix;
}

const rules: Readonly<Record<Options["rule"], (mixed: MixedRound) => Promise<Delta[]>>> = {
  mean: (mixed) => combineMixed(mixed, (gram) => uniformWeights(gram.rows)),
  krum: (mixed) =>
    combineMixed(mixed, (gram) => {
      const [best] = sortByScore(computeKrumScores(squaredDistances(gram), mixed.f));
      return uniformWeights(gram.rows).map((_, i) => (i === best ? 1 : 0));
    }),
  "geometric-median": (mixed) =>
    combineMixed(mixed, (gram) =>
      geometricMedianWeights(createPointsFromGram(gram), uniformWeights(gram.rows)),
    ),
  "centered-clipping": (mixed) =>
    combineMixed(mixed, async (gram) => {
      const points = createPointsFromGram(gram);
      return centeredClipWeights(points, median(await computeNorms(points)));
    }),
  "coordinate-median": ({ updates, mixing }) => aggregateCoordinates(updates, medianOf, mixing),
  "trimmed-mean": ({ updates, f, mixing }) =>
    aggregateCoordinates(updates, createTrimmedMean(f), mixing),
};

/** Applies a rule to Y = X·M: weights c of the Y_i are weights M·c of the X_k. */
async function combineMixed(
  { updates, gram, mixing }: MixedRound,
  rule: (gramOfMixed: Matrix) => Float64Array | Promise<Float64Array>,
): Promise<Delta[]> {
  const weights = await rule(await mixGram(gram, mixing));
  const combined = multiply(mixing, new Matrix(weights.length, 1, weights));
  return combineProducts(updates, combined.data);
}

function uniformWeights(count: number): Float64Array {
  return new Float64Array(count).fill(1 / count);
}
