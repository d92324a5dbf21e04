import assert from "node:assert/strict";
import {
  createTask,
  numbersOf,
  ownDataRng,
  startOf,
  trainClient,
  useDataFolder,
} from "@fedclair/tasks/testing";
import { graphLearning } from "./task.js";

describe("own data", () => {
  const folder = useDataFolder();

  it("of graph-learning are centred, and compared with the edges of a file", async () => {
    const file = await folder.writeRows([
      ["site", "a", "b"],
      ["x", 11, 5],
      ["x", 9, 7],
      ["x", 10, 6],
      ["y", 0, 0],
      ["y", 0, 3],
      ["y", 3, 0],
    ]);
    const edges = await folder.write("edges.csv", "from,to\nb,a\n");
    const graph = { model: "file", file: edges };
    const source = { file, columns: { client: "site" } };
    const task = await createTask(graphLearning, { source, graph });
    const { result } = await trainClient(task, 0, 2);
    const expected = [2 / 3, -2 / 3, 2 / 3];
    numbersOf(result, "covariance").forEach((x, i) => {
      assert.ok(Math.abs(x - (expected[i] ?? NaN)) < 1e-12);
    });
    const options = graphLearning.schema.parse({ source }) as never;
    assert.equal(graphLearning.measures?.(options).primary, "certifiedGap");
    assert.deepEqual(
      [...(graphLearning.contaminations?.(options).keys() ?? [])],
      ["noise", "permute", "mixnoise", "scale"],
    );
    for (const [content, message] of [
      ["from,to\na,c\n", /edges\.csv, line 2: node 'c' is not among the columns/],
      ["from,to\na,b\na,a\n", /edges\.csv, line 3: expected an edge between two nodes/],
    ] as const) {
      await folder.write("edges.csv", content);
      await assert.rejects(createTask(graphLearning, { source, graph }), message);
    }
    await folder.write("edges.csv", "from,to\n1,2\n2,10\n");
    const simulated = await createTask(graphLearning, { graph });
    assert.deepEqual((await startOf(simulated, ownDataRng)).get("degrees")?.shape, [3]);
  });
});
