import type { Contaminating, LocalTrainer, Shard } from "@fedclair/core";
import { addScaled, Matrix, stream, type Stream } from "@fedclair/linalg";
import { z, type ZodObject } from "zod";
import { computeTrace } from "./covariance.js";
import { drawGraph } from "./graphs.js";
import type { Options } from "./options.js";
import { packUpper } from "./packing.js";
import { computeFilter, drawCovariance } from "./signals.js";

const none = z.strictObject({});

/** The ways in which a client's signals can be contaminated. */
export const contaminations: ReadonlyMap<string, ZodObject> = new Map<string, ZodObject>([
  ["othergraph", none.describe("Signals on a graph of the client's own")],
  ["collude", none.describe("Signals on another graph, the same one for all colluders")],
  ["noise", none.describe("White noise in place of signals")],
  ["permute", none.describe("Signals with the nodes in another order")],
  [
    "mixnoise",
    z
      .strictObject({
        ratio: z
          .number()
          .gt(0)
          .default(1)
          .describe("Mean variance of the noise relative to that of the signals, above 0"),
      })
      .describe(
        "A Wishart matrix with as many degrees of freedom as nodes, added to the covariance",
      ),
  ],
  [
    "scale",
    z
      .strictObject({
        factor: z
          .number()
          .gt(0)
          .default(10)
          .describe("Factor that multiplies the covariance, above 0"),
      })
      .describe("The covariance in another unit"),
  ],
]);

/** Draws the graph of benign clients' signals, as an N×N adjacency matrix. */
export function drawTrueGraph({ graph, nodes, dataSeed }: Options): Matrix {
  return drawGraph(graph, nodes, stream(dataSeed).at("graph"));
}

/**
 * Opens a client that observes n_k private signals on all nodes. It answers with their covariance
 * as module `covariance`: the upper triangle with its diagonal, row by row. The signals stay with
 * the client.
 */
export function openShard(options: Options, { rng, contamination }: Shard): LocalTrainer {
  const { samplesMin, samplesMax } = options;
  const samples = samplesMin + rng.at("count").int(samplesMax - samplesMin + 1);
  return {
    async train() {
      const covariance = await observe(options, samples, rng, contamination);
      const upper = packUpper(covariance);
      return {
        numExamples: samples,
        delta: new Map([["covariance", { shape: [upper.length], data: upper }]]),
        metrics: {},
      };
    },
  };
}

async function observe(
  options: Options,
  samples: number,
  rng: Stream,
  contamination?: Contaminating,
): Promise<Matrix> {
  const truth = drawTrueGraph(options);
  const signals = rng.at("signals");
  const on = (graph: Matrix) =>
    drawCovariance(computeFilter(graph, options.filter), samples, signals);
  const white = (count: number) =>
    drawCovariance(Matrix.identity(options.nodes), count, rng.at("noise"));
  const other = (from: Stream) => drawGraph(options.graph, options.nodes, from.at("graph"));
  if (!contamination) return on(truth);
  switch (contamination.kind) {
    case "othergraph":
      return on(other(rng));
    case "collude":
      return on(other(contamination.common));
    case "noise":
      return white(samples);
    case "permute":
      return on(permuteNodes(truth, rng.at("order")));
    case "mixnoise": {
      const covariance = await on(truth);
      const variance = computeTrace(covariance) / options.nodes;
      addScaled(
        covariance,
        Number(contamination.options.ratio) * variance,
        await white(options.nodes),
      );
      return covariance;
    }
    case "scale":
      return (await on(truth)).scale(Number(contamination.options.factor));
    default:
      throw new Error(`graph-learning: no contamination '${contamination.kind}'`);
  }
}

/** Returns the same graph with its nodes in random order. */
function permuteNodes(graph: Matrix, rng: Stream): Matrix {
  const order = rng.sample([...Array(graph.rows).keys()]);
  return Matrix.fromRows(order.map((i) => order.map((j) => graph.get(i, j))));
}
