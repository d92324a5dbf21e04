import { z } from "zod";
import { expectNamed } from "../words/did-you-mean.js";

const fraction = z.number().gt(0).max(1);

/** The key `schedule` of a trial file: when a round ends, in simulated time. */
export const scheduleSchema = z.discriminatedUnion(
  "name",
  [
    z
      .strictObject({ name: z.literal("synchronous") })
      .describe("A round waits for all clients that it asked."),
    z
      .strictObject({
        name: z.literal("semi-synchronous"),
        fraction: fraction
          .default(0.8)
          .describe("The fraction of the cohort whose answers close a round."),
        overSelection: z
          .number()
          .min(1)
          .max(100)
          .default(1)
          .describe("This many times the cohort is asked, and only the first answers are used."),
      })
      .describe("A round closes after the first answers and leaves out the stragglers."),
    z
      .strictObject({
        name: z.literal("buffered"),
        buffer: z.int().min(1).describe("The number of answers that are aggregated together."),
        discount: z
          .number()
          .min(0)
          .max(10)
          .default(0.5)
          .describe("A change that is t rounds old is divided by (1 + t) to this power."),
      })
      .describe("FedBuff: clients train continuously, and a round aggregates the next answers."),
  ],
  {
    error: ({ input }) => expectNamed(input, ["synchronous", "semi-synchronous", "buffered"]),
  },
);

export type Schedule = z.output<typeof scheduleSchema>;
