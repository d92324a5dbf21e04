import { z } from "zod";
import { clientColumn, tableSource } from "@fedclair/tasks/shared";
import { ownPartition } from "@fedclair/tasks/shared";

/** Options of the solver, common to all tasks that learn a graph. */
export const solverOptions = (tolerance: number, maxIterations: number) => ({
  solver: z
    .enum(["eadmm", "ladmm"])
    .default("eadmm")
    .describe(
      "E-ADMM in the eigenbasis of the covariance, or L-ADMM, the paper's solver, which is slower",
    ),
  tolerance: z
    .number()
    .gt(0)
    .lt(1)
    .default(tolerance)
    .describe("Certified relative gap at which the solver has converged, in (0, 1)"),
  maxIterations: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(maxIterations)
    .describe("Maximum number of iterations; a result that needs more is labelled unconverged"),
  alpha: z
    .number()
    .gt(0)
    .default(1)
    .describe("Weight of the log of the degrees, above 0; it only scales the graph"),
});

/** The largest number of nodes: a solver's step takes the third power of it. */
export const mostNodes = 100;

const columns = z.strictObject({
  nodes: z
    .array(z.string())
    .min(2)
    .max(mostNodes)
    .optional()
    .describe("Columns, one per node; default: all that are not named otherwise"),
  client: clientColumn,
});

export const schema = z
  .strictObject({
    source: tableSource(columns.prefault({}).describe("The table's columns"))
      .optional()
      .describe(
        "Your own signals, in place of simulated ones: one row per signal, one column per node",
      ),
    partition: ownPartition,
    nodes: z
      .int()
      .min(2)
      .max(mostNodes)
      .default(20)
      .describe("Nodes of a random graph, 2 … 100; your own data have as many as they have"),
    graph: z
      .discriminatedUnion("model", [
        z
          .strictObject({
            model: z.literal("file"),
            file: z.string().describe("A table with one row per edge"),
            from: z.string().default("from").describe("Column with one node of an edge"),
            to: z.string().default("to").describe("Column with the other node"),
          })
          .describe("Your own graph"),
        z.strictObject({
          model: z.literal("barabasi-albert"),
          attachments: z.int().min(1).default(2).describe("Edges of a new node; below nodes"),
        }),
        z.strictObject({
          model: z.literal("erdos-renyi"),
          probability: z
            .number()
            .gt(0)
            .max(1)
            .default(0.2)
            .describe("Probability of an edge, in (0, 1]"),
        }),
      ])
      .prefault({ model: "barabasi-albert" })
      .describe(
        "The graph that generates the signals; none of its nodes is isolated. With your own signals, a graph from a file is the truth to compare with, and others are ignored",
      ),
    filter: z
      .enum(["lowpass", "highpass", "quadratic"])
      .default("lowpass")
      .describe("How signals diffuse over the adjacency A: exp(A/2), exp(−A) or I + A + A²"),
    samplesMin: z
      .int()
      .min(1)
      .default(200)
      .describe("Smallest number of signals per client, at least 1"),
    samplesMax: z.int().min(1).default(399).describe("Largest number of signals per client"),
    model: z
      .enum(["rlogspect", "rspect", "glasso"])
      .default("rlogspect")
      .describe(
        "The model that the coordinator solves. rspect can be infeasible. glasso: the graphical lasso on correlations, for comparison; an edge weighs its absolute partial correlation",
      ),
    lambda: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.1)
      .describe("Penalty of the graphical lasso on a partial correlation, in (0, 1)"),
    c0: z
      .number()
      .gt(0)
      .default(0.003)
      .describe(
        "Slack: δ = c0·√(log n/n) for n signals in total and a covariance of norm 1, above 0",
      ),
    threshold: z
      .number()
      .min(0)
      .lt(1)
      .default(0.3)
      .describe("Share of the largest weight above which a pair is an edge, in [0, 1)"),
    ...solverOptions(1e-4, 8000),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe("Seed for the true graph; the clients' signals follow the trial's seed"),
  })
  .superRefine(({ nodes, graph, samplesMin, samplesMax }, context) => {
    const addIssue = (path: string[], message: string) => {
      context.addIssue({ code: "custom", path, message });
    };
    if (samplesMax < samplesMin) {
      addIssue(["samplesMax"], `expected at least samplesMin = ${samplesMin}, got ${samplesMax}`);
    }
    if (graph.model === "barabasi-albert" && graph.attachments >= nodes) {
      addIssue(
        ["graph", "attachments"],
        `expected below nodes = ${nodes}, got ${graph.attachments}`,
      );
    }
  });

export type Options = z.output<typeof schema>;
