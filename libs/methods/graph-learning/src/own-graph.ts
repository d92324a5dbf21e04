import { UserError } from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { readTable, sortNames, texts } from "@fedclair/tasks/shared";
import { mostNodes, type Options } from "./options.js";

type GraphFile = Extract<Options["graph"], { model: "file" }>;

/** A graph from a table of edges. */
interface OwnGraph {
  readonly names: readonly string[];
  /** N×N with entries 0 and 1. */
  readonly adjacency: Matrix;
}

/**
 * Reads a graph. Edges have no direction, and an edge that occurs twice counts once.
 * @param nodes the names of all nodes in order. Default: those of the edges, numbers by size and
 * other names by their letters
 * @throws UserError with file and row for a loop or an unknown node, and for an isolated node,
 * which the log term of rLogSpecT forbids
 */
export async function readGraph(
  { file, from, to }: GraphFile,
  nodes?: readonly string[],
): Promise<OwnGraph> {
  const { table } = await readTable({ file }, { from: texts(from), to: texts(to) });
  const ends = [table.texts("from"), table.texts("to")] as const;
  const names = nodes ?? sortNames(new Set(ends.flat()));
  if (names.length > mostNodes) {
    throw new UserError(
      `graph: ${file}: expected at most ${mostNodes} nodes, got ${names.length}: choose a part of the graph`,
    );
  }
  const indices = new Map(names.map((name, i) => [name, i]));
  const adjacency = new Matrix(names.length, names.length);
  for (let row = 0; row < table.rows; row++) {
    const [a = "", b = ""] = ends.map((names) => names[row]);
    const [i, j] = [indices.get(a), indices.get(b)];
    if (i === undefined || j === undefined) {
      throw new UserError(
        `graph: ${table.place(row)}: node '${i === undefined ? a : b}' is not among the columns of the signals: name the columns as the edges name the nodes`,
      );
    }
    if (i === j) {
      throw new UserError(
        `graph: ${table.place(row)}: expected an edge between two nodes, got one from '${a}' to itself: leave it out`,
      );
    }
    adjacency.data[i + j * names.length] = 1;
    adjacency.data[j + i * names.length] = 1;
  }
  const isolated = names.find((_, j) => adjacency.column(j).every((x) => x === 0));
  if (isolated === undefined) return { names, adjacency };
  throw new UserError(
    `graph: ${file}: node '${isolated}' has no edge: add one, or leave its column out`,
  );
}
