import { z } from "zod";
import { clientColumn, tableSource } from "../data/own-data.js";
import { ownPartition } from "../partition/options.js";
import { proximal } from "../proximal.js";

const columns = z.strictObject({
  inputs: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Columns with the inputs; default: all that are not named otherwise"),
  outputs: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe("Column, or list of columns, to predict"),
  client: clientColumn,
});

export const linearRegressionSchema = z
  .strictObject({
    source: tableSource(columns.describe("The table's columns"))
      .optional()
      .describe("Your own samples, in place of simulated ones: one row per sample"),
    partition: ownPartition,
    p: z
      .int()
      .min(1)
      .default(30)
      .describe("Inputs of the simulated regression: rows of the weights"),
    q: z.int().min(1).default(10).describe("Outputs: columns of the weights"),
    rank: z
      .int()
      .min(1)
      .default(3)
      .describe("Dimensions of the column space that the clients' weights share; at most p"),
    samples: z.int().min(1).default(120).describe("Training samples per client; at least p"),
    noise: z.number().min(0).default(1).describe("Standard deviation of the noise on each output"),
    proximal,
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Seed of the shared column space; the clients' own data follow the trial's seed"),
  })
  .superRefine(({ source, p, rank, samples }, context) => {
    if (source) return;
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) reject("rank", `expected at most p = ${p}, got ${rank}`);
    // With fewer samples least squares has no unique solution.
    if (samples < p) reject("samples", `expected at least p = ${p}, got ${samples}`);
  });

export type LinearRegressionOptions = z.output<typeof linearRegressionSchema>;
