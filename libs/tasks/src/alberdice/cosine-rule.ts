import {
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
    .describe("Least share of the median direction score that is benign, in (0, 1)"),
});

/**
 * The stand-in for CLAIR where tables are too small for it: keeps clients whose median cosine
 * with the others is at least half of the median of these scores. Verdicts carry 1 - cosine, so that high means suspect.
 */
export const cosineRule: Plugin<Aggregator> = {
  name: "cosine-rule",
  summary: "Keeps clients whose updates point where most others do.",
  schema,
  create: ({ share }: z.output<typeof schema>): Aggregator => ({
    aggregate: (input) => Promise.resolve(aggregate(input, share)),
  }),
};

function aggregate({ updates }: AggregatorInput, share: number): Aggregation {
  const scores = directionScores(updates.map(({ delta }) => flat(delta)));
  const least = share * median(scores);
  const verdicts = updates.map(({ clientId }, k): Verdict => {
    const score = item(scores, k);
    return binaryVerdict(clientId, score < least, 1 - score, 1 - least);
  });
  const kept = updates.filter((_, k) => verdicts[k]?.status === "benign");
  return { change: kept.map(({ delta }) => scaled(delta, 1 / kept.length)), verdicts };
}

function denseOf(name: string, update: TensorDelta): Tensor {
  if (isLowRank(update)) {
    throw new UserError(`cosine-rule: module ${name} is low-rank, expected a dense tensor`);
  }
  return update;
}

function flat(modules: Delta): Float64Array {
  return Float64Array.from(
    [...modules].flatMap(([name, update]) => Array.from(denseOf(name, update).data)),
  );
}

function scaled(modules: Delta, factor: number): Delta {
  return new Map(
    [...modules].map(([name, update]) => {
      const { shape, data } = denseOf(name, update);
      return [name, { shape, data: Float64Array.from(data, (x) => factor * x) }];
    }),
  );
}
