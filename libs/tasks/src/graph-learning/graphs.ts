import { UserError } from "@fedclair/core";
import { Matrix, sum, type Stream } from "@fedclair/linalg";
import { degreesOf } from "./operators.js";
import { pairs, unpackStrict } from "./packing.js";

/** A random graph to learn: 0/1 weights. */
export type GraphModel =
  | { readonly model: "erdos-renyi"; readonly probability: number }
  | { readonly model: "barabasi-albert"; readonly attachments: number };

/** Graphs with isolated nodes are drawn anew, as often as this. */
const attempts = 1000;

/**
 * A random graph without isolated nodes, which the log term of rLogSpecT forbids.
 * @param nodes N
 * @throws UserError if the model gives isolated nodes again and again, or needs more nodes
 */
export function drawGraph(graph: GraphModel, nodes: number, rng: Stream): Matrix {
  if (graph.model === "barabasi-albert") return barabasiAlbert(nodes, graph.attachments, rng);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const drawn = erdosRenyi(nodes, graph.probability, rng);
    if (degreesOf(drawn).every((degree) => degree > 0)) return drawn;
  }
  throw new UserError(
    `${attempts} Erdős–Rényi graphs of ${nodes} nodes all had isolated nodes: ` +
      `expected a larger probability than ${graph.probability}`,
  );
}

/** Each pair is an edge with the given probability. */
function erdosRenyi(nodes: number, probability: number, rng: Stream): Matrix {
  return unpackStrict(Array.from(pairs(nodes, 1), () => (rng.uniform() < probability ? 1 : 0)));
}

/**
 * Preferential attachment: m seeds without edges; each newcomer attaches to m distinct nodes, drawn with probability
 * proportional to degree, the first one to all seeds.
 */
function barabasiAlbert(nodes: number, m: number, rng: Stream): Matrix {
  if (m >= nodes) throw new UserError(`expected fewer attachments than nodes = ${nodes}, got ${m}`);
  const graph = new Matrix(nodes, nodes);
  for (let node = m; node < nodes; node++) {
    const degrees = degreesOf(graph).subarray(0, node);
    // All seeds have degree 0 when the first node comes.
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
