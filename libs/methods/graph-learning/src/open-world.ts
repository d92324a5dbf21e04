import type { Shard } from "@fedclair/core";
import { stream, type Matrix } from "@fedclair/linalg";
import { drawGraph, type GraphModel } from "./graphs.js";
import type { Options } from "./options.js";
import { readGraph } from "./own-graph.js";
import { readSignals } from "./own-signals.js";
import { computeFilter, drawCovariance } from "./signals.js";
import { permuteNodes, type World } from "./world.js";

/** Reads or draws the graph and opens the clients' signals. */
export async function openWorld(options: Options): Promise<World> {
  const { graph, source, dataSeed } = options;
  if (source) return await readSignals(options, source);
  if (graph.model !== "file") {
    const truth = drawGraph(graph, options.nodes, stream(dataSeed).at("graph"));
    return simulate(options, truth, graph);
  }
  const own = await readGraph(graph);
  return { ...simulate(options, own.adjacency, randomLike(own.adjacency)), names: own.names };
}

/** Returns a model of random graphs with about as many edges. */
function randomLike(adjacency: Matrix): GraphModel {
  const edges = adjacency.data.reduce((total, x) => total + x, 0) / 2;
  return { model: "barabasi-albert", attachments: Math.max(1, Math.round(edges / adjacency.rows)) };
}

/** @param other the model of the graphs of contaminated clients */
function simulate(options: Options, truth: Matrix, other: GraphModel): World {
  const { samplesMin, samplesMax, filter } = options;
  const nodes = truth.rows;
  const countSignals = ({ rng }: Shard) =>
    samplesMin + rng.at("count").int(samplesMax - samplesMin + 1);
  const on = (graph: Matrix, shard: Shard) =>
    drawCovariance(computeFilter(graph, filter), countSignals(shard), shard.rng.at("signals"));
  return {
    nodes,
    truth,
    countSignals,
    observe: (shard, elsewhere) =>
      on(elsewhere ? drawGraph(other, nodes, elsewhere.at("graph")) : truth, shard),
    observePermuted: (shard) => on(permuteNodes(truth, shard.rng.at("order")), shard),
  };
}
