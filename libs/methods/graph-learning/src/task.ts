import { definePlugin, type Task } from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { sourcePaths } from "@fedclair/tasks/shared";
import { contaminationsOf, openShard } from "./client.js";
import { step } from "./coordinator.js";
import { figures } from "./figures.js";
import { createParams } from "./learn.js";
import { schema, type Options } from "./options.js";
import { packedLength } from "./packing.js";
import { covarianceDistance, covarianceLowRank } from "./detectors.js";
import { openWorld } from "./open-world.js";

/** Metrics of the learned graph against the true one. */
const truthMetrics = {
  f: { better: "higher", description: "F-measure of the edges" },
  precision: { better: "higher", description: "share of the learned edges that are true" },
  recall: { better: "higher", description: "share of the true edges that are learned" },
  bestF: { better: "higher", description: "F-measure at the best threshold" },
  correlationBestF: { description: "bestF of the correlations, the baseline" },
  relativeError: {
    better: "lower",
    description: "distance of the weights from the true weights",
  },
} as const;

const solverMetrics = {
  certifiedGap: { better: "lower", description: "bound on the distance from the optimum" },
  solved: { better: "higher", description: "1 if the solver reached its tolerance, else 0" },
  objective: { description: "objective of the problem that was solved" },
  iterations: { description: "iterations of the solver" },
  delta: { description: "slack that the problem allows for the covariance" },
  rspectDeltaMin: { description: "least delta for which rSpecT has a solution" },
  rspectFeasible: { description: "1 if rSpecT has a solution at delta, else 0" },
  kept: { unit: "clients", description: "clients whose covariances were pooled" },
} as const;

/**
 * Learns one graph from many private sensors with (r)LogSpecT (Liu, Zhu, So, NeurIPS 2023, arXiv
 * 2305.01379). Every client observes stationary signals on all nodes and sends their covariance.
 * The coordinator drops contaminated covariances, pools the others, learns the graph with a
 * certificate, and broadcasts it. One round is enough, because the clients hold the same signals in
 * every round.
 *
 * Clients send `covariance`, N(N + 1)/2 numbers. Params are `graph`, N(N − 1)/2 weights, and
 * `degrees`, N.
 */
export const graphLearning = definePlugin({
  kind: "task",
  name: "graph-learning",
  summary: "Learns a graph from the clients' covariances of signals that are stationary on it.",
  schema,
  paths: [...sourcePaths, "graph.file"],
  contaminations: contaminationsOf,
  metrics: { ...truthMetrics, ...solverMetrics },
  primary: "f",
  measures: ({ source, graph }: Options) =>
    source && graph.model !== "file"
      ? { metrics: solverMetrics, primary: "certifiedGap" }
      : { metrics: { ...truthMetrics, ...solverMetrics }, primary: "f" },
  aggregators: [covarianceDistance, covarianceLowRank],
  sharesParams: () => true,
  create: async (options: Options): Promise<Task> => {
    const world = await openWorld(options);
    const { nodes } = world;
    return {
      ...world.members,
      start: () =>
        Promise.resolve({
          params: createParams(new Matrix(nodes, nodes)),
          ask: {
            phase: "train",
            expects: new Map([
              ["covariance", { shape: [packedLength(nodes)], dtype: "f64", isDense: true }],
            ]),
          },
        }),
      openShard: (shard) => Promise.resolve(openShard(world, shard)),
      step: (round, aggregate) => step(options, world, round, aggregate),
    };
  },
  figures,
});
