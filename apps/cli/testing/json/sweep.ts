import type { SweepResults } from "@fedclair/runs";
import { z } from "zod";

const interval = z.strictObject({ low: z.number(), high: z.number() });

const cell = z.strictObject({
  mean: z.number().describe("Mean over seeds."),
  min: z.number(),
  max: z.number(),
  seeds: z.number().describe("Number of seeds with a value."),
  values: z.array(z.number()).describe("One value per seed."),
  interval: interval.exactOptional().describe("Student's 95 % interval; absent for one seed."),
  counts: interval
    .extend({ hits: z.number(), of: z.number() })
    .exactOptional()
    .describe("Counted clients over all seeds, with Wilson's 95 % interval of their share."),
});

const table = z.strictObject({
  measure: z.string(),
  worse: z.enum(["low", "high"]).optional().describe("The end that is worse; absent if neither."),
  facet: z.string().describe("The values of the other dimensions, as `task.common = 0.9`."),
  rows: z.array(z.string()),
  columns: z.array(z.string()).describe("The last one may be `worst`."),
  cells: z
    .array(z.array(cell.nullable()))
    .describe("A list of cells for each row; null if no trial measured it."),
  worst: z
    .array(z.number().nullable())
    .describe(
      "The worst value of each column, or nothing: a share if clients are counted, else a mean.",
    ),
});

const judged = z
  .strictObject({ flagged: z.number(), undecided: z.number(), of: z.number() })
  .exactOptional();

const difference = z.strictObject({
  measure: z.string(),
  place: z.string().describe("The values of the other dimensions."),
  method: z.string(),
  reference: z.string(),
  mean: z.number().describe("Mean over seeds of the method's value minus the reference's."),
  interval: interval.describe("Student's 95 % interval of that mean."),
  n: z.number().describe("Number of seeds."),
  p: z
    .number()
    .exactOptional()
    .describe("Holm's adjusted p-value over all differences of the measure, with `correction`."),
  outcome: z.enum(["better", "worse", "higher", "lower", "not distinguishable"]),
});

/** The results of a sweep or study, as they are in JSON: null stands for undefined in lists. */
export const sweepFields = {
  name: z.string(),
  claim: z.string().exactOptional(),
  trials: z.number().describe("Number of trials."),
  finished: z.number().describe("Number of trials with numbers."),
  seeds: z.array(z.number()),
  tables: z.array(table),
  verdicts: z
    .array(z.strictObject({ place: z.string(), contaminated: judged, honest: judged }))
    .describe("How each study judged clients in the last round, over all seeds."),
  notes: z
    .array(z.string())
    .describe("Sentences about the tables, as what is redrawn for each seed."),
  correction: z.literal("holm").exactOptional(),
  best: z
    .array(
      z.strictObject({
        measure: z.string(),
        place: z.string().describe("The values of the other dimensions."),
        methods: z.array(z.string()).describe("Several if they have the same value."),
        value: z.string(),
        alike: z.array(z.string()).describe("Methods that the seeds do not show to be worse."),
      }),
    )
    .describe("The best method under each of the conditions."),
  differences: z.array(difference).describe("Paired by seed."),
  highlights: z
    .array(z.strictObject({ topic: z.string(), texts: z.array(z.string()) }))
    .describe("What matters most, in a few sentences."),
  findings: z
    .array(z.strictObject({ place: z.string(), texts: z.array(z.string()) }))
    .describe("Sentences about each study."),
  models: z
    .string()
    .exactOptional()
    .describe("Present if personal models are compared with shared ones."),
} satisfies Readonly<Record<keyof SweepResults, z.ZodType>>;
