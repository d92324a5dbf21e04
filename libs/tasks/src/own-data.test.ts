import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, type Task, type TaskPlugin, type TrainResult } from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { alberdice } from "./alberdice/index.js";
import { evaluationBias } from "./evaluation-bias/index.js";
import { graphLearning } from "./graph-learning/index.js";
import { loadTasks } from "./index.js";
import { linearRegression } from "./linear-regression/index.js";
import { textCopy } from "./text-copy/index.js";
import { valueDrivenTransport } from "./value-driven-transport/index.js";
import { startOf } from "../testing/coordinator.js";

const root = stream("own data test");

describe("own data", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-own-data-"));
  });
  after(() => rm(folder, { recursive: true }));

  async function write(rows: readonly (readonly (string | number)[])[]): Promise<string> {
    const file = join(folder, "data.csv");
    await writeFile(file, rows.map((row) => row.join()).join("\n"));
    return file;
  }

  async function create(plugin: TaskPlugin, options: object): Promise<Task> {
    return await plugin.create(plugin.schema.parse(options) as never);
  }

  async function train(task: Task, index: number, count: number, phase = "train") {
    const trainer = await task.openShard({ index, count, rng: root.at("client", index) });
    const params = await startOf(task, root);
    const rng = root.at("round");
    const { signal } = new AbortController();
    return {
      trainer,
      params,
      result: await trainer.train({ round: 1, phase, params, rng, common: rng, signal }),
    };
  }

  function numbersOf({ delta }: TrainResult, name: string): readonly number[] {
    const module = delta.get(name);
    assert.ok(module && "data" in module);
    return [...module.data];
  }

  describe("of linear-regression", () => {
    /** Two clients with y = 3·u - v + 10 exactly, where u and v are 0 or 1. */
    const rows = ["a", "b"].flatMap((client) =>
      Array.from({ length: 10 }, (_, i) => {
        const [u, v] = [i % 2, Math.floor(i / 2) % 2];
        return [client, u, v, 3 * u - v + 10];
      }),
    );

    it("are fitted in standardised units, and measured on held-out rows", async () => {
      const file = await write([["who", "u", "v", "y"], ...rows]);
      const source = { file, columns: { outputs: "y", client: "who" } };
      const task = await create(linearRegression, { source });
      assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["a", "b"]);
      const { trainer, params, result } = await train(task, 1, 2);
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
      const file = await write([["who", "u", "v", "y"], ...rows]);
      const columns = { outputs: ["y"], inputs: ["u"], client: "who" };
      const task = await create(linearRegression, { source: { file, columns } });
      assert.equal(task.notice?.(2), undefined);
      assert.match(
        task.notice?.(1) ?? "",
        /name 2 clients; the first 1 take part, from 'a' to 'a'/,
      );
      assert.throws(() => task.checkClients?.(3), /natural serves 2 clients/);
      const split = await create(linearRegression, {
        source: { file, columns: { outputs: "y", inputs: ["u"] } },
      });
      assert.equal((await train(split, 0, 2)).result.numExamples, 8);
      assert.throws(() => split.checkClients?.(10), /would hold 2 rows, but needs 4/);
      const byClass = { source: { file, columns }, partition: { by: "shards" } };
      const task2 = await create(linearRegression, byClass);
      assert.throws(() => task2.checkClients?.(2), /this task has no classes: choose natural/);
    });

    it("need columns that vary", async () => {
      const file = await write([["x", "y"], ...rows.map(() => [1, 2])]);
      await assert.rejects(
        create(linearRegression, { source: { file, columns: { outputs: "y" } } }),
        (error) => error instanceof UserError && /'x' is 1 in every row/.test(error.message),
      );
    });
  });

  it("of graph-learning are centred, and compared with the edges of a file", async () => {
    const file = await write([
      ["site", "a", "b"],
      ["x", 11, 5],
      ["x", 9, 7],
      ["x", 10, 6],
      ["y", 0, 0],
      ["y", 0, 3],
      ["y", 3, 0],
    ]);
    const edges = join(folder, "edges.csv");
    await writeFile(edges, "from,to\nb,a\n");
    const graph = { model: "file", file: edges };
    const source = { file, columns: { client: "site" } };
    const task = await create(graphLearning, { source, graph });
    const { result } = await train(task, 0, 2);
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
      await writeFile(edges, content);
      await assert.rejects(create(graphLearning, { source, graph }), message);
    }
    await writeFile(edges, "from,to\n1,2\n2,10\n");
    const simulated = await create(graphLearning, { graph });
    assert.deepEqual((await startOf(simulated, root)).get("degrees")?.shape, [3]);
  });

  it("of evaluation-bias are standardised by the reference group, and split by panel", async () => {
    const people = Array.from({ length: 40 }, (_, i) => [
      ["m", "p", i % 2 === 0 ? 50 : 70],
      ["w", i % 2 === 0 ? "p" : "q", 60],
    ]).flat();
    const file = await write([["sex", "panel", "score"], ...people]);
    const source = { file, columns: { group: "sex", panel: "panel" } };
    const options = { source, reference: "m", minCount: 1, lo: -2, hi: 2, bins: 10 };
    const task = await create(evaluationBias, options);
    const { result } = await train(task, 0, 1, "reference");
    // Men have -1 and 1, which are in the third and in the eighth bin.
    const counts = numbersOf(result, "counts");
    assert.deepEqual(counts, [0, 0, 20, 0, 0, 0, 0, 20, 0, 0]);
    const { ask } = await task.start({ clientIds: ["c0"], rng: root });
    assert.equal(ask?.phase, "reference");
    assert.throws(() => evaluationBias.schema.parse({ source }), /value of column 'sex'/);
    await assert.rejects(create(evaluationBias, { ...options, reference: "x" }), /got m, w/);
  });

  it("of value-driven-transport have any dimension, and some are withheld", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => [i, i % 7, i % 3]);
    const file = await write([["x", "y", "z"], ...rows]);
    const options = { target: { file }, mode: "gradient", samples: 5, horizon: 2 };
    const task = await create(valueDrivenTransport, options);
    const { params, result } = await train(task, 0, 2);
    // Of 50 points 10 are withheld; the network reads three coordinates and the time.
    assert.equal(result.numExamples, 20);
    assert.equal(params.get("W1")?.shape[0], 4);
    const moons = { ...options, source: "moons" };
    await assert.rejects(
      create(valueDrivenTransport, moons),
      /source has 2 coordinates and target 3/,
    );
    assert.throws(
      () => valueDrivenTransport.schema.parse({ ...options, mode: "lora" }),
      /choose gradient or fedavg for your own points/,
    );
    assert.throws(
      () => valueDrivenTransport.schema.parse({ ...options, conditional: true }),
      /the table's points have no classes: name their column as target.columns.label/,
    );
    const { faults } = checkValue(valueDrivenTransport.schema, { target: { file, colums: {} } });
    assert.deepEqual(faults, ["target: unknown key 'colums', did you mean 'columns'?"]);
  });

  it("of alberdice are episodes that stay together, and end in a state of their own", async () => {
    const steps = Array.from({ length: 4 }, (_, episode) => [
      [episode, "s", "a", episode % 2 === 0 ? "a" : "b", 1],
      [episode, "t", "b", "b", 2],
    ]).flat();
    const file = await write([["episode", "state", "first", "second", "reward"], ...steps]);
    const columns = { actions: ["first", "second"], episode: "episode" };
    const task = await create(alberdice, { source: { file, columns }, sweeps: 1 });
    const { result } = await train(task, 0, 2, "agent0");
    // Two episodes of two steps, each followed by one step at the end.
    assert.equal(result.numExamples, 6);
    assert.deepEqual(numbersOf(result, "visits"), [1 / 3, 1 / 3, 1 / 3]);
    const missing = { source: { file, columns: { actions: ["first", "second"] } } };
    assert.throws(() => alberdice.schema.parse(missing), /expected next, or episode/);
    const alone = { source: { file, columns }, mode: "agent-per-client" };
    const owners = await create(alberdice, alone);
    assert.throws(() => owners.checkClients?.(3), /expected clients: 2, got 3/);
  });

  it("of text-copy are texts by client", async () => {
    const file = join(folder, "texts.jsonl");
    const line = (who: number, text: string) => JSON.stringify({ who, text: text.repeat(40) });
    await writeFile(file, [line(10, "ab"), line(9, "cd"), line(10, "ef")].join("\n"));
    const task = await create(textCopy, { source: { file, columns: { client: "who" } } });
    assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["9", "10"]);
    assert.throws(() => task.checkClients?.(3), /texts\.jsonl serves 2 clients/);
  });

  it("of a task without any are rejected with the reason and where to go", async () => {
    const { tasks } = await loadTasks();
    for (const name of [
      "copy-average",
      "denoising",
      "network",
      "collaboration-graph",
      "external",
    ]) {
      const { schema } = tasks.get(name) ?? assert.fail(name);
      const { faults } = checkValue(schema, { source: { file: "data.csv" } });
      assert.match(faults.join("\n"), /^source: .* choose another task \(docs\/own-data\.md\)/m);
      assert.doesNotMatch(faults.join("\n"), /unknown key/);
    }
  });
});
