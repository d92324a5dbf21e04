import type { Task, TaskPlugin } from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { contaminations, openShard } from "./client.js";
import { present, reduce } from "./coordinator.js";
import { figures } from "./figures.js";
import { paramsOf } from "./learn.js";
import { schema, type Options } from "./options.js";
import { packedLength } from "./packing.js";
import { covarianceDistance, covarianceLowRank } from "./detectors.js";

/**
 * One graph from many private sensors, by (r)LogSpecT (Liu, Zhu, So, NeurIPS 2023, arXiv 2305.01379): every client
 * observes stationary signals on all nodes and sends their covariance; the coordinator drops contaminated ones, pools the
 * others, learns the graph with a certificate, and broadcasts it. One round is enough: the clients hold the same signals
 * in every round.
 *
 * Module up: `covariance`, N(N + 1)/2 numbers. Params down: `graph`, N(N − 1)/2 weights, and `degrees`, N.
 */
export const graphLearning: TaskPlugin = {
  name: "graph-learning",
  summary: "Learns a graph from the clients' covariances of signals that are stationary on it.",
  schema,
  aggregators: [covarianceDistance, covarianceLowRank],
  create: (options: Options): Task => ({
    init: () => Promise.resolve(paramsOf(new Matrix(options.nodes, options.nodes))),
    expects: () =>
      new Map([["covariance", { shape: [packedLength(options.nodes)], dtype: "f64" }]]),
    openShard: (shard) => Promise.resolve(openShard(options, shard)),
    contaminations,
    present,
    reduce: (state, aggregate) => reduce(options, state, aggregate),
  }),
  figures,
};
