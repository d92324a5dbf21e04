import {
  readNumbers,
  binaryVerdict,
  isLowRank,
  UserError,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type Delta,
  type TensorDelta,
  type Plugin,
  type Tensor,
  type Verdict,
} from "@fedclair/core";
import { median, item } from "@fedclair/linalg";
import { z } from "zod";
import { directionScores } from "./answers.js";

const schema = z.strictObject({
  share: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.5)
    .describe(
      "A client is benign if its direction score is at least this share of the median score, in (0, 1)",
    ),
});

/**
 * A simple replacement for CLAIR on tables that are too small for it. The direction score of a
 * client is the median cosine of its update with the others. The rule admits clients that score at
 * least half of the median score. Verdicts report 1 - cosine, so a high score means contaminated.
 */
export const cosineRule: Plugin<Aggregator> = {
  name: "cosine-rule",
  summary: "Admits clients whose updates point in the same direction as most others.",
  schema,
  create: ({ share }: z.output<typeof schema>): Aggregator => ({
    aggregate: (input) => Promise.resolve(aggregate(input, share)),
  }),
};

function aggregate({ updates }: AggregatorInput, share: number): Aggregation {
  const scores = directionScores(updates.map(({ delta }) => flatten(delta)));
  const least = share * median(scores);
  const verdicts = updates.map(({ clientId }, k): Verdict => {
    const score = item(scores, k);
    return binaryVerdict(clientId, score < least, 1 - score, 1 - least);
  });
  const admitted = updates.filter((_, k) => verdicts[k]?.status === "benign");
  return { change: admitted.map(({ delta }) => scaleDelta(delta, 1 / admitted.length)), verdicts };
}

function requireDense(name: string, update: TensorDelta): Tensor {
  if (isLowRank(update)) {
    throw new UserError(`cosine-rule: module ${name} is low-rank, expected a dense tensor`);
  }
  return update;
}

function flatten(modules: Delta): Float64Array {
  return Float64Array.from(
    [...modules].flatMap(([name, update]) => Array.from(readNumbers(requireDense(name, update)))),
  );
}

function scaleDelta(modules: Delta, factor: number): Delta {
  return new Map(
    [...modules].map(([name, update]) => {
      const tensor = requireDense(name, update);
      const data = readNumbers(tensor);
      return [name, { shape: tensor.shape, data: Float64Array.from(data, (x) => factor * x) }];
    }),
  );
}
