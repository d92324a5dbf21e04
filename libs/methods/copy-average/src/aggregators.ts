import type { Aggregator, AggregatorInput, Plugin } from "@fedclair/core";
import { z } from "zod";
import type { Activation } from "./kernels.js";
import { match } from "./match.js";
import type { Network } from "./network.js";
import { activation } from "./options.js";
import { networkOfTerms, paramsOf } from "./params.js";
import { redistil } from "./redistil.js";

const schema = z.strictObject({ activation });

type Merge = (activation: Activation, students: readonly Network[]) => Promise<Network>;

/**
 * Averages students neuron by neuron after matching their neurons, see `match`. It never drops a
 * client.
 */
export const matchedAverage = createMergingAggregator(
  "matched-average",
  "Matches the students' neurons, then averages the students.",
  (activation, students) => Promise.resolve(match(activation, students).mean),
);

/**
 * Trains one student on the mean of all students' functions, see `redistil`. It never drops a
 * client.
 */
export const redistillation = createMergingAggregator(
  "redistillation",
  "Trains one student on the mean of all students' functions.",
  async (activation, students) => (await redistil(activation, students)).student,
);

function createMergingAggregator(name: string, summary: string, merge: Merge): Plugin<Aggregator> {
  return {
    name,
    summary,
    schema,
    create: (options: z.output<typeof schema>): Aggregator => ({
      aggregate: async ({ updates }: AggregatorInput) => {
        const students = updates.map(({ delta }) => networkOfTerms([delta]));
        return { change: [paramsOf(await merge(options.activation, students))] };
      },
    }),
  };
}
