import { z } from "zod";
import { noOwnData } from "../data/own-data.js";
import { proximal } from "../proximal.js";

export const linearRegressionSchema = z
  .strictObject({
    source: noOwnData("The task linear-regression simulates its data; the task table reads yours."),
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
  .superRefine(({ p, rank, samples }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (rank > p) reject("rank", `expected at most p = ${p}, got ${rank}`);
    // With fewer samples least squares has no unique solution.
    if (samples < p) reject("samples", `expected at least p = ${p}, got ${samples}`);
  });

export type LinearRegressionOptions = z.output<typeof linearRegressionSchema>;
