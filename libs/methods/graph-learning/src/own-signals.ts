import { UserError, type Shard } from "@fedclair/core";
import { addScaled, gramNT, item, Matrix, sum } from "@fedclair/linalg";
import { splitRows } from "@fedclair/tasks/shared";
import { numbers, readTable } from "@fedclair/tasks/shared";
import { mostNodes, type Options } from "./options.js";
import { readGraph } from "./own-graph.js";
import { createPacer } from "./pace.js";
import { permuteNodes, type World } from "./world.js";

/** A client needs two signals, because their mean is subtracted. */
const minimumSignals = 2;

/** Signals whose covariance is added at once. */
const block = 64;

/**
 * Reads the clients' own signals, and the true graph if `graph` is a file.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readSignals(
  { graph, partition, dataSeed }: Options,
  source: NonNullable<Options["source"]>,
): Promise<World> {
  const { columns } = source;
  const data = await readTable(source, { nodes: numbers(columns.nodes) }, columns.client);
  const names = data.table.names("nodes");
  const nodes = names.length;
  if (nodes < 2 || nodes > mostNodes) {
    throw new UserError(
      `source: expected 2 to ${mostNodes} columns, one per node, got ${nodes}: list them as columns.nodes`,
    );
  }
  const values = data.table.numbers("nodes");
  const clients = splitRows(data, { partition, dataSeed, minimum: minimumSignals });
  const rowsOf = ({ index, count }: Shard) => clients.of(index, count);
  const observe = (shard: Shard) => computeCovariance(values, nodes, rowsOf(shard));
  const truth = graph.model === "file" ? (await readGraph(graph, names)).adjacency : undefined;
  return {
    nodes,
    names,
    ...(truth && { truth }),
    countSignals: (shard) => rowsOf(shard).length,
    observe,
    observePermuted: async (shard) => permuteNodes(await observe(shard), shard.rng.at("order")),
    members: clients.members,
  };
}

/**
 * Computes the covariance of some rows around their mean, (1/n)·Σ (x - m)·(x - m)ᵀ. Simulated
 * signals have mean 0 and are not centred; measured ones rarely have.
 * @param values rows×nodes, row by row
 */
async function computeCovariance(
  values: Float64Array,
  nodes: number,
  rows: Int32Array,
): Promise<Matrix> {
  const means = Float64Array.from(
    { length: nodes },
    (_, j) => sum(Float64Array.from(rows, (row) => item(values, row * nodes + j))) / rows.length,
  );
  const total = new Matrix(nodes, nodes);
  const pace = createPacer();
  for (let done = 0; done < rows.length; done += block) {
    const part = rows.subarray(done, done + block);
    const signals = new Matrix(nodes, part.length);
    part.forEach((row, k) => {
      signals.column(k).set(means.map((mean, j) => item(values, row * nodes + j) - mean));
    });
    addScaled(total, 1 / rows.length, gramNT(signals));
    await pace();
  }
  return total;
}
