import {
  readNumbers,
  binaryVerdict,
  isLowRank,
  UserError,
  type Aggregation,
  type Aggregator,
  type Plugin,
  type Update,
} from "@fedclair/core";
import { z } from "zod";
import { item } from "@fedclair/linalg";
import {
  computeDistanceScores,
  distanceThreshold,
  computeLowRankScores,
  lowRankThreshold,
  type ClientCovariance,
} from "./detection.js";
import { packedOrder } from "./packing.js";
import { addScaledTo } from "./vectors.js";

const createSchema = (value: number) =>
  z.strictObject({
    threshold: z
      .number()
      .gt(0)
      .default(value)
      .describe("Sampling errors above which a client counts as contaminated, above 0"),
  });

interface Options {
  readonly threshold: number;
}

/** Scores the distance from the geometric median, in sampling errors of a Gaussian covariance. */
export const covarianceDistance: Plugin<Aggregator> = {
  name: "covariance-distance",
  summary:
    "Averages the covariances whose distance from the geometric median can be explained by sampling.",
  schema: createSchema(distanceThreshold),
  create: ({ threshold }: Options) => createDetector(computeDistanceScores, threshold),
};

/** Scores the residual from the rank-one part that the clients share, in sampling errors. */
export const covarianceLowRank: Plugin<Aggregator> = {
  name: "covariance-low-rank",
  summary: "Averages the covariances that share a part of rank one, up to what sampling explains.",
  schema: createSchema(lowRankThreshold),
  create: ({ threshold }: Options) => createDetector(computeLowRankScores, threshold),
};

function createDetector(
  scoresOf: (samples: readonly ClientCovariance[], threshold: number) => Promise<readonly number[]>,
  threshold: number,
): Aggregator {
  return {
    aggregate: async ({ updates }) => {
      const samples = updates.map(readSample);
      return averageBenign(updates, samples, await scoresOf(samples, threshold), threshold);
    },
  };
}

/** Averages the benign clients, weighted by samples. The change is empty if no client is benign. */
function averageBenign(
  updates: readonly Update[],
  samples: readonly ClientCovariance[],
  scores: readonly number[],
  threshold: number,
): Aggregation {
  const verdicts = updates.map(({ clientId }, k) => {
    const score = item(scores, k);
    return binaryVerdict(clientId, score > threshold, score, threshold);
  });
  const benign = samples.filter((_, k) => verdicts[k]?.status === "benign");
  if (benign.length === 0) return { change: [], verdicts };
  const total = benign.reduce((count, { samples: n }) => count + n, 0);
  const mean = new Float64Array(benign[0]?.vector.length ?? 0);
  for (const { vector, samples: n } of benign) addScaledTo(mean, n / total, vector);
  const name = [...(updates[0]?.delta.keys() ?? [])][0] ?? "";
  return { change: [new Map([[name, { shape: [mean.length, 1], data: mean }]])], verdicts };
}

/**
 * Reads a client's covariance.
 * @throws UserError unless the client's only module is a covariance in the format of `svec`
 */
function readSample({ clientId, delta, numExamples }: Update): ClientCovariance {
  const [module, ...others] = delta.values();
  if (!module || isLowRank(module) || others.length > 0) {
    throw new UserError(
      `covariance detectors judge one dense module, a covariance; client ${clientId} sent something else`,
    );
  }
  const vector = Float64Array.from(readNumbers(module));
  packedOrder(vector.length);
  return { vector, samples: numExamples };
}
