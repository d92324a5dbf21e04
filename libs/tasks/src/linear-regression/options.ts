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
    localSteps: z
      .int()
      .min(1)
      .optional()
      .describe(
        "Gradient steps on all samples per round. Default: least squares is solved exactly",
      ),
    learningRate: z
      .number()
      .gt(0)
      .optional()
      .describe("Learning rate of these steps. Default: 0.5"),
    proximal,
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Seed of the shared column space; the clients' own data follow the trial's seed"),
  })
  .superRefine(({ p, rank, samples, localSteps, learningRate }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (learningRate !== undefined && localSteps === undefined)
      reject("learningRate", "is for gradient steps: set localSteps too, or leave it out");
    if (rank > p) reject("rank", `expected at most p = ${p}, got ${rank}`);
    // With fewer samples least squares has no unique solution.
    if (samples < p) reject("samples", `expected at least p = ${p}, got ${samples}`);
  });

export type LinearRegressionOptions = z.output<typeof linearRegressionSchema>;
