import type { LocalTrainer, Params, Shard } from "@fedclair/core";
import { stream, type Stream } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { LeastSquares } from "@fedclair/tasks/shared";
import { addScaledTo, distance, dotProduct } from "../vectors.js";
import { groupOf, type CollaborationOptions } from "./options.js";

/**
 * Opens a client with samples y = xᵀw + noise, x ~ N(0, I). It answers with its least-squares
 * estimate of w as module `model`, d×1. It compares the mixed model that it receives with its own
 * estimate and with the average of all.
 */
export function openModelShard(options: CollaborationOptions, { index, rng }: Shard): LocalTrainer {
  const truth = drawGroupWeights(options, groupOf(options, index));
  addScaledTo(truth, options.spread, rng.at("weights").normals(options.inputs));
  const estimate = () => fit(options, truth, rng.at("samples"));
  return {
    async train() {
      const data = await estimate();
      return {
        numExamples: options.samples,
        delta: new Map([["model", { shape: [data.length, 1], data }]]),
        metrics: {},
      };
    },
    async evaluate(params) {
      const squaredError = (model: Float64Array) => distance(model, truth) ** 2;
      const error = squaredError(getData(params, "model"));
      const localError = squaredError(await estimate());
      const averageError = squaredError(getData(params, "average"));
      return {
        numExamples: options.samples,
        delta: new Map(),
        metrics: {
          error,
          localError,
          averageError,
          errorOverLocal: error / localError,
          averageOverLocal: averageError / localError,
        },
      };
    },
  };
}

/** Draws the weights that the clients of a group have in common. */
function drawGroupWeights(
  { inputs, common, dataSeed }: CollaborationOptions,
  group: number,
): Float64Array {
  const weights = stream(dataSeed).at("group", group).normals(inputs);
  addScaledTo(weights, common, stream(dataSeed).at("common").normals(inputs));
  return weights;
}

async function fit(
  options: CollaborationOptions,
  truth: Float64Array,
  rng: Stream,
): Promise<Float64Array> {
  const problem = new LeastSquares(options.inputs, 1);
  for (let i = 1; i <= options.samples; i++) {
    // Yields to the event loop, so that a host with many samples can still serve its socket.
    if (i % 256 === 0) await setImmediate();
    const x = rng.normals(options.inputs);
    problem.add(x, [dotProduct(x, truth) + options.noise * rng.normal()]);
  }
  return problem.solve();
}

function getData(params: Params, name: string): Float64Array {
  const tensor = params.get(name);
  if (!tensor) throw new Error(`collaboration-graph: params without \`${name}\``);
  return Float64Array.from(tensor.data);
}
