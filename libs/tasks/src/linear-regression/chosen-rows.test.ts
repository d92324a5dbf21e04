import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, type Task, type TaskPlugin } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { loadTabTask, readChosenTable } from "../browser.js";
import { startOf } from "../../testing/coordinator.js";
import { linearRegression } from "./index.js";

const root = stream("chosen rows test");
/** Twelve rows with y = 2·u - v + noise. */
const csv = [
  "u,v,y",
  ...Array.from({ length: 12 }, (_, i) =>
    [i % 5, i % 3, 2 * (i % 5) - (i % 3) + (i % 7) / 10].join(),
  ),
].join("\n");

async function choose(content: string): Promise<TaskPlugin> {
  const table = await readChosenTable(Object.assign(new Blob([content]), { name: "mine.csv" }));
  return (await loadTabTask("linear-regression", table)) ?? assert.fail("no task");
}

async function create(plugin: TaskPlugin, options: object): Promise<Task> {
  return await plugin.create(plugin.schema.parse(options) as never);
}

async function train(task: Task, index: number, count: number) {
  const trainer = await task.openShard({ index, count, rng: root });
  const params = await startOf(task, root);
  const { signal } = new AbortController();
  const job = { round: 1, phase: "train", params, rng: root, common: root, signal };
  return { trainer, result: await trainer.train(job) };
}

describe("linear-regression on a table chosen in a browser", () => {
  const source = { file: "/elsewhere/of-the-coordinator.csv", columns: { outputs: "y" } };

  it("is what Node.js trains for one client with this table, whatever the index", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-chosen-"));
    try {
      const file = join(folder, "mine.csv");
      await writeFile(file, csv);
      const inNode = await create(linearRegression, { source: { ...source, file } });
      const expected = await train(inNode, 0, 1);
      const { trainer, result } = await train(await create(await choose(csv), { source }), 7, 9);
      assert.equal(result.numExamples, 10);
      assert.deepEqual(result, expected.result);
      const params = result.delta as never;
      assert.deepEqual(await trainer.evaluate?.(params), await expected.trainer.evaluate?.(params));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses trials that say otherwise whose each row is, and names the columns", async () => {
    const plugin = await choose(csv);
    const rejected = (options: object, message: RegExp, from = plugin) =>
      assert.rejects(
        create(from, options),
        (error) => error instanceof UserError && message.test(error.message),
        String(message),
      );
    await rejected({}, /this one has no source, because it simulates its data/);
    const { columns } = source;
    await rejected({ source: { folder: "schools", columns } }, /this one has a folder/);
    const natural = { ...source, columns: { ...columns, client: "school" } };
    await rejected({ source: natural }, /columns\.client = school/);
    await rejected(
      { source: { ...source, columns: { outputs: "z" } } },
      /mine\.csv has no column 'z'/,
    );
    await rejected(
      { source },
      /would hold 2 rows, but needs 5/,
      await choose("u,v,y\n1,2,3\n2,3,5\n"),
    );
    const without = (await loadTabTask("linear-regression")) ?? assert.fail("no task");
    await rejected({ source }, /choose a CSV file with the columns y \(to predict\)/, without);
    assert.ok(await create(without, {}));
    const table = await readChosenTable(Object.assign(new Blob([csv]), { name: "mine.csv" }));
    for (const name of ["digits", "text-copy"]) {
      await assert.rejects(loadTabTask(name, table), /on a file of its own, because/);
    }
  });

  it("fails on params for other columns, with nothing of the data but their number", async () => {
    const task = await create(await choose(csv), { source });
    const trainer = await task.openShard({ index: 0, count: 1, rng: root });
    const params = new Map([["weights", { shape: [4, 1], data: new Float64Array(4) }]]);
    await assert.rejects(async () => await trainer.evaluate?.(params), {
      message:
        "linear-regression: the params are 4×1, and the data of this host need 3×1, inputs (with the constant) × outputs: give every host a table with the same columns",
    });
  });
});
