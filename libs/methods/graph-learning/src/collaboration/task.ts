import {
  definePlugin,
  readNumbers,
  isLowRank,
  UserError,
  type Aggregate,
  type Params,
  type Round,
  type Step,
  type Task,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { packStrict } from "../packing.js";
import { addScaledTo, toRelativeWeights } from "../vectors.js";
import { openModelShard } from "./client.js";
import { collaborationFigures } from "./figures.js";
import { groupOf, collaborationSchema, type CollaborationOptions } from "./options.js";
import { learnCollaborationGraph, computeInGroupMass, mixModels } from "./personalise.js";

/**
 * Learns which clients should collaborate: rLogSpecT (Liu, Zhu, So, arXiv 2305.01379) with clients
 * as nodes and the coordinates of their models as signals. Clients of a group have nearly the same
 * linear regression, and each client gets the mean of its neighbours in the graph. The log term
 * gives every node a degree, so a contaminated client would never be isolated. Clients that the
 * trial's aggregator flags are therefore left out first, and keep their own models.
 *
 * Clients send `model`, d×1. Params are `model`, d, the client's own model, and `average`, d, the
 * average over all clients that sent a model.
 */
export const collaborationGraphTask = definePlugin({
  kind: "task",
  name: "collaboration-graph",
  summary:
    "Learns from the clients' models which clients should collaborate, and mixes their models.",
  schema: collaborationSchema,
  metrics: {
    errorOverLocal: {
      better: "lower",
      description: "error relative to that of the client's own estimate",
    },
    averageOverLocal: {
      better: "lower",
      description: "averageError relative to the error of the client's own estimate",
    },
    error: {
      better: "lower",
      description: "squared distance of the mixed model from the true one",
    },
    localError: {
      better: "lower",
      description: "squared distance of the client's own estimate from the true model",
    },
    averageError: {
      better: "lower",
      description: "squared distance of the average over all clients from the true model",
    },
    inGroupMass: { better: "higher", description: "share of the weights that lie within groups" },
    certifiedGap: { better: "lower", description: "bound on the distance from the optimum" },
    solved: { better: "higher", description: "1 if the solver reached its tolerance, else 0" },
    iterations: { description: "iterations of the solver" },
    kept: { unit: "clients", description: "clients that the graph was learned from" },
  },
  primary: "errorOverLocal",
  checkClients: (clients, { groups }: CollaborationOptions) => {
    const total = sum(groups);
    if (clients === total) return;
    throw new UserError(
      `task.groups: expected sizes that sum to clients = ${clients}, got ${total}`,
    );
  },
  create: (options: CollaborationOptions): Task => {
    return {
      start: () => {
        const none = new Float64Array(options.inputs);
        const model = { shape: [options.inputs, 1], dtype: "f64" as const, isDense: true };
        return Promise.resolve({
          params: createParams(none, none),
          ask: { phase: "train", expects: new Map([["model", model]]) },
        });
      },
      openShard: (shard) => Promise.resolve(openModelShard(options, shard)),
      step: (round, aggregate) => step(options, round, aggregate),
    };
  },
  figures: collaborationFigures,
});

async function step(
  options: CollaborationOptions,
  { updates, clientIds }: Round,
  aggregate: Aggregate,
): Promise<Step> {
  const { verdicts } = await aggregate();
  const models = new Map(updates.map((update) => [update.clientId, readModel(update)]));
  const average = averageModels(updates, models);
  const admitted = [...models.keys()].filter((id) => isAdmitted(id, verdicts));
  const groups = admitted.map((id) => groupOf(options, clientIds.indexOf(id)));
  const admittedModels = admitted.flatMap((id) => models.get(id) ?? []);
  if (admitted.length < 2) {
    return {
      ...createAllParams(models, average),
      metrics: { kept: admitted.length, solved: 0 },
      artifacts: { collaboration: { outcome: "fewer than two clients kept" } },
    };
  }
  const solution = await learnCollaborationGraph(admittedModels, options);
  mixModels(solution.graph, admittedModels).forEach((model, k) => {
    models.set(admitted[k] ?? "", model);
  });
  const { outcome, gap, iterations } = solution;
  return {
    ...createAllParams(models, average),
    metrics: {
      kept: admitted.length,
      inGroupMass: computeInGroupMass(solution.graph, groups),
      certifiedGap: gap,
      iterations,
      solved: outcome === "solved" ? 1 : 0,
    },
    artifacts: {
      collaboration: {
        outcome,
        clients: admitted,
        groups,
        weights: toRelativeWeights(packStrict(solution.graph)),
      },
    },
  };
}

/** Checks whether a client is benign, or no verdicts were given. */
function isAdmitted(id: string, verdicts: readonly Verdict[] | undefined): boolean {
  return !verdicts || verdicts.some((v) => v.clientId === id && v.pooled);
}

function readModel({ clientId, delta }: Update): Float64Array {
  const model = delta.get("model");
  if (!model || isLowRank(model)) {
    throw new UserError(`collaboration-graph: client ${clientId} sent no dense module \`model\``);
  }
  return Float64Array.from(readNumbers(model));
}

/**
 * Computes Σ n_k·w_k/n over all clients that sent a model, which is the result of federated
 * averaging.
 */
function averageModels(
  updates: readonly Update[],
  models: ReadonlyMap<string, Float64Array>,
): Float64Array {
  const samples = sum(updates.map(({ numExamples }) => numExamples));
  const average = new Float64Array([...models.values()][0]?.length ?? 0);
  for (const { clientId, numExamples } of updates) {
    addScaledTo(average, numExamples / samples, models.get(clientId) ?? average);
  }
  return average;
}

/**
 * Creates the params with the average for all clients, and with each client's own model in
 * addition.
 */
function createAllParams(
  models: ReadonlyMap<string, Float64Array>,
  average: Float64Array,
): Pick<Step, "params" | "personal"> {
  return {
    params: createParams(new Float64Array(average.length), average),
    personal: new Map([...models].map(([id, model]) => [id, createParams(model, average)])),
  };
}

function createParams(model: Float64Array, average: Float64Array): Params {
  const shape = [average.length];
  return new Map([
    ["model", { shape, data: model }],
    ["average", { shape, data: average }],
  ]);
}
