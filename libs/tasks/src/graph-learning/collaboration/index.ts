import {
  isLowRank,
  UserError,
  type Aggregate,
  type Params,
  type Round,
  type Step,
  type Task,
  type TaskPlugin,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { packStrict } from "../packing.js";
import { addScaledTo, shownWeights } from "../vectors.js";
import { openShard } from "./client.js";
import { figures } from "./figures.js";
import { groupOf, schema, type Options } from "./options.js";
import { collaborationGraph, inGroupMass, personalised } from "./personalise.js";

/**
 * Who should learn with whom: rLogSpecT (Liu, Zhu, So, arXiv 2305.01379) with clients for nodes and the coordinates of
 * their models for signals. Clients of a group have nearly the same linear regression; each gets the mean of its
 * neighbours in the graph. A contaminated client would never be isolated, since the log term gives every node a degree:
 * the clients that the trial's aggregator flags are left out first, and keep their own models.
 *
 * Module up: `model`, d×1. Params down: `model`, d, the client's own, and `average`, d, that of all who sent one.
 */
export const collaborationGraphTask: TaskPlugin = {
  name: "collaboration-graph",
  summary: "Learns from the clients' models which of them should collaborate, and mixes these.",
  schema,
  metrics: {
    errorOverLocal: { better: "lower", description: "error over that of the own estimate" },
    averageOverLocal: {
      better: "lower",
      description: "averageError over that of the own estimate",
    },
    error: { better: "lower", description: "squared distance of the mixed model from the truth" },
    localError: { better: "lower", description: "squared distance of the own estimate" },
    averageError: { better: "lower", description: "squared distance of the average of all" },
    inGroupMass: { better: "higher", description: "share of the weights that lie within groups" },
    certifiedGap: { better: "lower", description: "bound on the distance from the optimum" },
    solved: { better: "higher", description: "1 if the solver reached its tolerance, else 0" },
    iterations: { description: "of the solver" },
    kept: { unit: "clients", description: "clients that the graph was learned from" },
  },
  primary: "errorOverLocal",
  checkClients: (clients, { groups }: Options) => {
    const total = sum(groups);
    if (clients === total) return;
    throw new UserError(
      `task.groups: expected sizes that sum to clients = ${clients}, got ${total}`,
    );
  },
  create: (options: Options): Task => {
    return {
      start: () => {
        const none = new Float64Array(options.inputs);
        const model = { shape: [options.inputs, 1], dtype: "f64" as const, isDense: true };
        return Promise.resolve({
          params: paramsOf(none, none),
          ask: { phase: "train", expects: new Map([["model", model]]) },
        });
      },
      openShard: (shard) => Promise.resolve(openShard(options, shard)),
      step: (round, aggregate) => step(options, round, aggregate),
    };
  },
  figures,
};

async function step(
  options: Options,
  { updates, clientIds }: Round,
  aggregate: Aggregate,
): Promise<Step> {
  const { verdicts } = await aggregate();
  const models = new Map(updates.map((update) => [update.clientId, modelOf(update)]));
  const average = averageOf(updates, models);
  const kept = [...models.keys()].filter((id) => isKept(id, verdicts));
  const groups = kept.map((id) => groupOf(options, clientIds.indexOf(id)));
  const keptModels = kept.flatMap((id) => models.get(id) ?? []);
  if (kept.length < 2) {
    return {
      ...paramsOfAll(models, average),
      metrics: { kept: kept.length, solved: 0 },
      artifacts: { collaboration: { outcome: "fewer than two clients kept" } },
    };
  }
  const solution = await collaborationGraph(keptModels, options);
  personalised(solution.graph, keptModels).forEach((model, k) => {
    models.set(kept[k] ?? "", model);
  });
  const { outcome, gap, iterations } = solution;
  return {
    ...paramsOfAll(models, average),
    metrics: {
      kept: kept.length,
      inGroupMass: inGroupMass(solution.graph, groups),
      ...{ certifiedGap: gap, iterations, solved: outcome === "solved" ? 1 : 0 },
    },
    artifacts: {
      collaboration: {
        outcome,
        clients: kept,
        groups,
        weights: shownWeights(packStrict(solution.graph)),
      },
    },
  };
}

/** Benign, or not judged. */
function isKept(id: string, verdicts: readonly Verdict[] | undefined): boolean {
  return !verdicts || verdicts.some((v) => v.clientId === id && v.pooled);
}

function modelOf({ clientId, delta }: Update): Float64Array {
  const model = delta.get("model");
  if (!model || isLowRank(model)) {
    throw new UserError(`collaboration-graph: client ${clientId} sent no dense module \`model\``);
  }
  return Float64Array.from(model.data);
}

/** Σ n_k·w_k/n of all who sent a model: what federated averaging would give. */
function averageOf(
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

/** Everybody's average, and beside it each client's own model. */
function paramsOfAll(
  models: ReadonlyMap<string, Float64Array>,
  average: Float64Array,
): Pick<Step, "params" | "personal"> {
  return {
    params: paramsOf(new Float64Array(average.length), average),
    personal: new Map([...models].map(([id, model]) => [id, paramsOf(model, average)])),
  };
}

function paramsOf(model: Float64Array, average: Float64Array): Params {
  const shape = [average.length];
  return new Map([
    ["model", { shape, data: model }],
    ["average", { shape, data: average }],
  ]);
}
