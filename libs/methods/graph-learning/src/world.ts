import type { Shard, Task } from "@fedclair/core";
import { Matrix, type Stream } from "@fedclair/linalg";

/** The signals of the clients, simulated or their own, and the true graph if it is known. */
export interface World {
  readonly nodes: number;
  /** The true graph, an N×N adjacency matrix. */
  readonly truth?: Matrix;
  /** Names of the nodes, if they have names. */
  readonly names?: readonly string[];
  /** Returns the number of signals that a client observes. */
  countSignals(shard: Shard): number;
  /**
   * Computes the covariance of a client's signals.
   * @param elsewhere draws another graph for the signals; only for simulated signals
   */
  observe(shard: Shard, elsewhere?: Stream): Promise<Matrix>;
  /** Computes the covariance of the same signals with the nodes in another order. */
  observePermuted(shard: Shard): Promise<Matrix>;
  /** The members of the task that follow from the data. */
  readonly members?: Pick<Task, "checkClients" | "clientLabel" | "notice">;
}

/** Returns the same matrix with rows and columns in random order. */
export function permuteNodes(matrix: Matrix, rng: Stream): Matrix {
  const order = rng.sample([...Array(matrix.rows).keys()]);
  return Matrix.fromRows(order.map((i) => order.map((j) => matrix.get(i, j))));
}
