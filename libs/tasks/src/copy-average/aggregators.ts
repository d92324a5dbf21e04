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

/** Averages students neuron by neuron, once their neurons stand in one order; see `match`. Drops nobody. */
export const matchedAverage = merging(
  "matched-average",
  "Puts the students' neurons in one order, then averages them (copy-average).",
  (activation, students) => Promise.resolve(match(activation, students).mean),
);

/** Trains one student on the mean of all students' functions; see `redistil`. Drops nobody. */
export const redistillation = merging(
  "redistillation",
  "Trains one student on the mean function of all (copy-average).",
  async (activation, students) => (await redistil(activation, students)).student,
);

function merging(name: string, summary: string, merge: Merge): Plugin<Aggregator> {
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
