import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import { createTask, numbersOf, trainClient, useDataFolder } from "../testing/own-data.js";
import { taskLoaders } from "./index.js";
import { linearRegression } from "./linear-regression/index.js";
import { textCopy } from "./text-copy/index.js";

describe("own data", () => {
  const folder = useDataFolder();

  describe("of linear-regression", () => {
    /** Two clients with y = 3·u - v + 10 exactly, where u and v are 0 or 1. */
    const rows = ["a", "b"].flatMap((client) =>
      Array.from({ length: 10 }, (_, i) => {
        const [u, v] = [i % 2, Math.floor(i / 2) % 2];
        return [client, u, v, 3 * u - v + 10];
      }),
    );

    it("are fitted in standardised units, and measured on held-out rows", async () => {
      const file = await folder.writeRows([["who", "u", "v", "y"], ...rows]);
      const source = { file, columns: { outputs: "y", client: "who" } };
      const task = await createTask(linearRegression, { source });
      assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["a", "b"]);
      const { trainer, params, result } = await trainClient(task, 1, 2);
      assert.equal(result.numExamples, 8);
      assert.deepEqual(params.get("weights")?.shape, [3, 1]);
      // Deviations are 0.5 of u, √0.24 of v, and √(9·0.25 + 0.24) of y.
      const deviation = Math.sqrt(2.49);
      const expected = [1.5 / deviation, -Math.sqrt(0.24) / deviation, 0];
      const weights = numbersOf(result, "weights");
      expected.forEach((x, i) => {
        assert.ok(Math.abs((weights[i] ?? NaN) - x) < 1e-12, weights.join());
      });
      const data = Float64Array.from(weights);
      const after = await trainer.evaluate?.(new Map([["weights", { shape: [3, 1], data }]]));
      assert.equal(after?.numExamples, 2);
      assert.ok((after.metrics["loss"] ?? 1) < 1e-20);
      assert.deepEqual(Object.keys(after.metrics), ["loss"]);
    });

    it("may have more clients than take part, which is reported", async () => {
      const file = await folder.writeRows([["who", "u", "v", "y"], ...rows]);
      const columns = { outputs: ["y"], inputs: ["u"], client: "who" };
      const task = await createTask(linearRegression, { source: { file, columns } });
      assert.equal(task.notice?.(2), undefined);
      assert.match(
        task.notice?.(1) ?? "",
        /name 2 clients; the first 1 take part, from 'a' to 'a'/,
      );
      assert.throws(() => task.checkClients?.(3), /natural serves 2 clients/);
      const split = await createTask(linearRegression, {
        source: { file, columns: { outputs: "y", inputs: ["u"] } },
      });
      assert.equal((await trainClient(split, 0, 2)).result.numExamples, 8);
      assert.throws(() => split.checkClients?.(10), /would hold 2 rows, but needs 4/);
      const byClass = { source: { file, columns }, partition: { by: "shards" } };
      const task2 = await createTask(linearRegression, byClass);
      assert.throws(() => task2.checkClients?.(2), /this task has no classes: choose natural/);
    });

    it("need columns that vary", async () => {
      const file = await folder.writeRows([["x", "y"], ...rows.map(() => [1, 2])]);
      await assert.rejects(
        createTask(linearRegression, { source: { file, columns: { outputs: "y" } } }),
        (error) => error instanceof UserError && /'x' is 1 in every row/.test(error.message),
      );
    });
  });

  it("of text-copy are texts by client", async () => {
    const line = (who: number, text: string) => JSON.stringify({ who, text: text.repeat(40) });
    const file = await folder.write(
      "texts.jsonl",
      [line(10, "ab"), line(9, "cd"), line(10, "ef")].join("\n"),
    );
    const task = await createTask(textCopy, { source: { file, columns: { client: "who" } } });
    assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["9", "10"]);
    assert.throws(() => task.checkClients?.(3), /texts\.jsonl serves 2 clients/);
  });

  it("of a task without any are rejected with the reason and where to go", async () => {
    for (const name of ["denoising", "network", "external"] as const) {
      const { schema } = await taskLoaders[name]();
      const { faults } = checkValue(schema, { source: { file: "data.csv" } });
      assert.match(faults.join("\n"), /^source: .* choose another task \(docs\/own-data\.md\)/m);
      assert.doesNotMatch(faults.join("\n"), /unknown key/);
    }
  });
});
