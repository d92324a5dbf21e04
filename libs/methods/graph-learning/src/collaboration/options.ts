import { z } from "zod";
import { noOwnData } from "@fedclair/tasks/shared";
import { solverOptions } from "../options.js";

export const collaborationSchema = z
  .strictObject({
    source: noOwnData(
      "The task collaboration-graph simulates groups of clients, to see whether the graph finds them.",
    ),
    groups: z
      .array(z.int().min(1))
      .min(1)
      .default([3, 4, 5])
      .describe(
        "Number of clients in each group, in order; the sum is the trial's number of clients",
      ),
    inputs: z.int().min(3).default(60).describe("Inputs of the regression, at least 3"),
    samples: z
      .int()
      .min(1)
      .default(150)
      .describe("Training samples per client, at least as many as inputs"),
    noise: z.number().min(0).default(1).describe("Standard deviation of the noise on the output"),
    common: z
      .number()
      .min(0)
      .default(0)
      .describe("Standard deviation of the part of the weights that all groups share"),
    spread: z
      .number()
      .min(0)
      .default(0.1)
      .describe("Standard deviation of a client's weights around its group's weights"),
    c0: z
      .number()
      .gt(0)
      .default(0.1)
      .describe("Slack: δ = c0·√(log d/d) for d inputs and a covariance of norm 1, above 0"),
    // The ball hardly binds here, and a coarser gap could not tell it from an inactive one.
    ...solverOptions(1e-5, 20_000),
    dataSeed: z.int().min(0).default(1).describe("Seed for the weights of the groups"),
  })
  .superRefine(({ inputs, samples }, context) => {
    if (samples >= inputs) return;
    const message = `expected at least inputs = ${inputs}, got ${samples}`;
    context.addIssue({ code: "custom", path: ["samples"], message });
  });

export type CollaborationOptions = z.output<typeof collaborationSchema>;

/** Returns the group of the client with an index. */
export function groupOf({ groups }: Pick<CollaborationOptions, "groups">, index: number): number {
  let first = 0;
  return groups.findIndex((size) => (first += size) > index);
}
