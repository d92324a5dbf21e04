import { z } from "zod";

const fraction = z.number().gt(0).max(1);

/** When a round is over, in simulated time: the key `schedule` of a trial file. */
export const scheduleSchema = z.discriminatedUnion(
  "name",
  [
    z
      .strictObject({ name: z.literal("synchronous") })
      .describe("A round waits for all that it asked."),
    z
      .strictObject({
        name: z.literal("semi-synchronous"),
        fraction: fraction.default(0.8).describe("Of the cohort whose answers close a round."),
        overSelection: z
          .number()
          .min(1)
          .max(100)
          .default(1)
          .describe("So many times the cohort are asked, and the first answers taken."),
      })
      .describe("A round closes when the first answers are there, and leaves stragglers out."),
    z
      .strictObject({
        name: z.literal("buffered"),
        buffer: z.int().min(1).describe("Answers that are aggregated together."),
        discount: z
          .number()
          .min(0)
          .max(10)
          .default(0.5)
          .describe("A change that is t rounds old is divided by (1 + t) to this power."),
      })
      .describe("FedBuff: a cohort trains all the time, and its answers are taken as they come."),
  ],
  {
    error: ({ input }) =>
      `expected ${typeof input === "string" ? "a mapping as { name: synchronous }, its name " : ""}one of synchronous, semi-synchronous, buffered`,
  },
);

export type Schedule = z.output<typeof scheduleSchema>;
