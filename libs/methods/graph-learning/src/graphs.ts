import { UserError } from "@fedclair/core";
import { Matrix, sum, type Stream } from "@fedclair/linalg";
import { computeDegrees } from "./operators.js";
import { listPairs, unpackStrict } from "./packing.js";

/** A random graph to learn, with weights 0 and 1. */
export type GraphModel =
  | { readonly model: "erdos-renyi"; readonly probability: number }
  | { readonly model: "barabasi-albert"; readonly attachments: number };

/** How often a graph with isolated nodes is drawn again. */
const attempts = 1000;

/**
 * Draws a random graph without isolated nodes, which the log term of rLogSpecT forbids.
 * @param nodes N
 * @throws UserError if the model keeps producing isolated nodes, or needs more nodes
 */
export function drawGraph(graph: GraphModel, nodes: number, rng: Stream): Matrix {
  if (graph.model === "barabasi-albert") return barabasiAlbert(nodes, graph.attachments, rng);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const drawn = erdosRenyi(nodes, graph.probability, rng);
    if (computeDegrees(drawn).every((degree) => degree > 0)) return drawn;
  }
  throw new UserError(
    `${attempts} Erdős–Rényi graphs of ${nodes} nodes all had isolated nodes: ` +
      `expected a larger probability than ${graph.probability}`,
  );
}

/** Makes each pair an edge with the given probability. */
function erdosRenyi(nodes: number, probability: number, rng: Stream): Matrix {
  return unpackStrict(Array.from(listPairs(nodes, 1), () => (rng.uniform() < probability ? 1 : 0)));
}

/**
 * Draws a graph by preferential attachment, from m seeds without edges. The first new node attaches
 * to all seeds. Each later one attaches to m distinct nodes, drawn with probability proportional to
 * their degree.
 */
function barabasiAlbert(nodes: number, m: number, rng: Stream): Matrix {
  if (m >= nodes) throw new UserError(`expected fewer attachments than nodes = ${nodes}, got ${m}`);
  const graph = new Matrix(nodes, nodes);
  for (let node = m; node < nodes; node++) {
    const degrees = computeDegrees(graph).subarray(0, node);
    // All seeds have degree 0 when the first node is added.
    const weights = node === m ? degrees.map(() => 1) : degrees;
    for (let edge = 0; edge < m; edge++) {
      const total = sum(weights);
      const other = rng.categorical(weights.map((w) => w / total));
      weights[other] = 0;
      graph.data[node + other * nodes] = 1;
      graph.data[other + node * nodes] = 1;
    }
  }
  return graph;
}
