import { z } from "zod";

const minimum = z.int().min(1).default(10).describe("Minimum number of samples per client");

/** A partition, without a default. */
export const partitionChoice = z.discriminatedUnion(
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
          .describe("Concentration; smaller values leave each class to fewer clients"),
        minimum,
      })
      .describe("Splits every class by its own shares, drawn from a Dirichlet distribution"),
    z
      .strictObject({
        by: z.literal("shards"),
        perClient: z
          .int()
          .min(1)
          .default(2)
          .describe("Shards per client, which is about the number of classes that it sees"),
      })
      .describe("Sorted by class and cut into equal shards; each client gets some of them"),
    z
      .strictObject({
        by: z.literal("quantity"),
        sigma: z.number().min(0).default(1).describe("Standard deviation of the logarithm"),
        minimum,
      })
      .describe("At random, in parts of log-normal sizes"),
    z
      .strictObject({ by: z.literal("natural") })
      .describe("One owner's samples per client, if the data name the owner of each sample"),
    z
      .strictObject({
        by: z.literal("drawn"),
        samples: z.int().min(2).default(20).describe("Number of samples per client"),
      })
      .describe("Each client draws its own samples, so that more clients than samples can train"),
  ],
  { error: () => "expected { by: iid, dirichlet, shards, quantity, natural or drawn }" },
);

/** The task option `partition`: how labelled data are split among the clients. */
export const partitionSchema = partitionChoice
  .default({ by: "iid" })
  .describe("How the data are split among the clients");

/** The option `partition` of tasks that may read the user's own table. */
export const ownPartition = partitionChoice
  .optional()
  .describe(
    "How the rows of your own data are split; default: natural if the data name clients, else iid",
  );

export type PartitionChoice = z.output<typeof partitionSchema>;
