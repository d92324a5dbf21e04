import { z } from "zod";

const minimum = z.int().min(1).default(10).describe("Samples that every client has at least");

/** How labelled data are split among clients, as a task's option `partition`. */
export const partitionSchema = z
  .discriminatedUnion(
    "by",
    [
      z.strictObject({ by: z.literal("iid") }).describe("At random, in equal parts"),
      z
        .strictObject({
          by: z.literal("dirichlet"),
          alpha: z
            .number()
            .gt(0)
            .default(0.5)
            .describe("Concentration: the smaller, the fewer clients share a class"),
          minimum,
        })
        .describe("Every class in shares of its own, drawn from a Dirichlet distribution"),
      z
        .strictObject({
          by: z.literal("shards"),
          perClient: z
            .int()
            .min(1)
            .default(2)
            .describe("Shards a client: about as many classes as it sees"),
        })
        .describe("Sorted by class and cut into equal shards, some of which a client gets"),
      z
        .strictObject({
          by: z.literal("quantity"),
          sigma: z.number().min(0).default(1).describe("Standard deviation of the logarithm"),
          minimum,
        })
        .describe("At random, in parts of log-normal sizes"),
      z
        .strictObject({ by: z.literal("natural") })
        .describe("By whom the samples come from, where the data tell"),
    ],
    { error: () => "expected { by: iid, dirichlet, shards, quantity or natural }" },
  )
  .default({ by: "iid" })
  .describe("How the data are split among the clients");

export type PartitionChoice = z.output<typeof partitionSchema>;
