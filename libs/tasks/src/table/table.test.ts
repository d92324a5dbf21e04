import assert from "node:assert/strict";
import { UserError, type Params } from "@fedclair/core";
import { item, stream } from "@fedclair/linalg";
import { start, startOf } from "../../testing/coordinator.js";
import { createTask, numbersOf, trainClient, useDataFolder } from "../../testing/own-data.js";
import { table } from "./index.js";

const rng = stream("table test");
const ids = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

async function assertRejected(reading: Promise<unknown>, message: RegExp) {
  await assert.rejects(
    reading,
    (error) => error instanceof UserError && message.test(error.message),
    String(message),
  );
}

describe("a table", () => {
  const folder = useDataFolder();
  const open = async (
    rows: readonly (readonly (string | number)[])[],
    columns: object,
    { source = {}, ...options }: { source?: object } & Record<string, unknown> = {},
  ) => {
    const file = await folder.writeRows(rows);
    return await createTask(table, { source: { file, columns, ...source }, ...options });
  };

  describe("with numbers to predict", () => {
    /** Two clients with y = 3·u - v + 10 exactly, where u and v are 0 or 1. */
    const rows = ["a", "b"].flatMap((client) =>
      Array.from({ length: 10 }, (_, i) => {
        const [u, v] = [i % 2, Math.floor(i / 2) % 2];
        return [client, u, v, 3 * u - v + 10];
      }),
    );
    const named = [["who", "u", "v", "y"], ...rows];

    it("is fitted in standardised units, and measured on held-out rows", async () => {
      const task = await open(named, { outputs: "y", client: "who" });
      assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["a", "b"]);
      const { trainer, params, result } = await trainClient(task, 1, 2);
      assert.equal(result.numExamples, 8);
      assert.deepEqual(params.get("weights")?.shape, [3, 1]);
      assert.deepEqual([...result.delta.keys()], ["weights"]);
      // Deviations are 0.5 of u, √0.24 of v, and √(9·0.25 + 0.24) of y.
      const deviation = Math.sqrt(2.49);
      const expected = [1.5 / deviation, -Math.sqrt(0.24) / deviation, 0];
      const weights = numbersOf(result, "weights");
      expected.forEach((x, i) => {
        assert.ok(Math.abs((weights[i] ?? NaN) - x) < 1e-12, weights.join());
      });
      const data = Float64Array.from(weights);
      const learnt = new Map([...params, ["weights", { shape: [3, 1], data }] as const]);
      const after = await trainer.evaluate?.(learnt);
      assert.equal(after?.numExamples, 2);
      assert.ok((after.metrics["loss"] ?? 1) < 1e-20);
      assert.deepEqual(Object.keys(after.metrics), ["loss"]);
    });

    it("may have more clients than take part, which is reported", async () => {
      const columns = { outputs: ["y"], inputs: ["u"], client: "who" };
      const task = await open(named, columns);
      assert.doesNotMatch(task.notice?.(2) ?? "", /take part/);
      assert.match(
        task.notice?.(1) ?? "",
        /name 2 clients; the first 1 take part, from 'a' to 'a'/,
      );
      assert.throws(() => task.checkClients?.(3), /natural serves 2 clients/);
      const split = await open(named, { outputs: "y", inputs: ["u"] });
      assert.equal((await trainClient(split, 0, 2)).result.numExamples, 8);
      assert.throws(
        () => split.checkClients?.(10),
        /would hold 2 rows, but needs 4 for least squares \(inputs: 1, /,
      );
      await assert.rejects(
        open(named, columns, { partition: { by: "shards" } }),
        /shards splits by class, and columns\.outputs are none: choose natural/,
      );
    });

    it("needs columns that vary", async () => {
      const constant = [["x", "y"], ...rows.map(() => [1, 2])];
      await assertRejected(open(constant, { outputs: "y" }), /'y' is 2 in every row/);
      const still = [["x", "y"], ...rows.map((_, i) => [1, i])];
      await assertRejected(open(still, { outputs: "y" }), /'x' is 1 in every row/);
    });

    it("drops the first value of a category, which would depend on the constant", async () => {
      const places = Array.from({ length: 12 }, (_, i) => [["x", "y", "z"][i % 3] ?? "", i % 3]);
      const task = await open([["place", "y"], ...places], { outputs: "y" });
      const { params } = await trainClient(task, 0, 1);
      assert.deepEqual(params.get("weights")?.shape, [3, 1]);
    });
  });

  describe("with classes", () => {
    const classes = { label: "kind" };
    const row = (i: number) => [1e6 * (i % 7), i % 2 ? "f" : "m", i % 2 ? "yes" : "no"];
    const rows = [["size", "sex", "kind"], ...Array.from({ length: 40 }, (_, i) => row(i))];

    it("says what its columns are, and what its rows are used for", async () => {
      const holes = rows.map(([size, sex, kind], i) =>
        i === 3 ? ["", "?", kind] : i === 4 ? ["n/a", sex, kind] : [size, sex, kind],
      ) as (string | number)[][];
      const task = await open(holes, classes);
      assert.equal(
        task.notice?.(4),
        "source: 40 rows: 1 column of numbers, in the units of all clients; categories sex (2); 3 missing cells; 2 classes (no, yes); 32 rows train, 4 measure the client that holds them, 4 measure all clients",
      );
      // Missing numbers are the mean, and missing categories none of the values.
      const params = await startOf(task, rng, ids(1));
      assert.deepEqual(params.get("output")?.shape, [2, 4]);
      assert.ok([...(params.get("scale")?.data ?? [])].every(Number.isFinite));
    });

    it("knows what guessing reaches", async () => {
      const uneven = rows.map((cells, i) =>
        i === 0 ? cells : [...cells.slice(0, -1), i % 4 === 1 ? "no" : "yes"],
      );
      const { accuracy = NaN, loss = NaN } = (await open(uneven, classes)).guessing?.() ?? {};
      const share = uneven.slice(1).filter((cells) => cells.at(-1) === "yes").length / 40;
      assert.equal(accuracy, share);
      const entropy = -share * Math.log(share) - (1 - share) * Math.log(1 - share);
      assert.ok(Math.abs(loss - entropy) < 1e-12);
    });

    it("names a cell that is too large for the sums of its column", async () => {
      const huge = rows.map((cells, i) => (i === 5 ? [1e300, ...cells.slice(1)] : cells));
      await assertRejected(
        open(huge, classes),
        /data\.csv, line 6: column 'size': expected a number of at most 1e\+24, got '1e\+300'; correct the cell/,
      );
    });

    it("rejects numbers with commas, and names that are not in UTF-8", async () => {
      const write = (column: number, as: (cell: string) => string) =>
        rows.map((cells, i) =>
          i === 0 ? cells : cells.map((cell, k) => (k === column ? as(String(cell)) : cell)),
        );
      await assertRejected(
        open(
          write(0, () => '"6,16"'),
          classes,
        ),
        /data\.csv, line 2: column 'size': expected a number, got '6,16': write numbers with a decimal point/,
      );
      await assertRejected(
        open(
          write(0, () => '"4,816"'),
          { outputs: "size" },
        ),
        /line 2: column 'size': expected a number, got '4,816'; write numbers with a decimal point/,
      );
      for (const column of [1, 2])
        await assertRejected(
          open(
            write(column, (cell) => `${cell}\ufffd`),
            classes,
          ),
          /column '(sex|kind)'.* is not in UTF-8: save the file in this encoding/,
        );
    });

    it("hints at an input that counts the rows", async () => {
      const counted = rows.map((cells, i) => [i === 0 ? "id" : i + 6, ...cells]);
      const text = (await open(counted, classes)).notice?.(4) ?? "";
      assert.match(text, /\nsource: column 'id' counts the rows, .*columns\.ignore/);
    });

    it("hints at columns.outputs if the classes are measurements", async () => {
      const measured = rows.map((cells, i) => (i === 0 ? cells : [...cells.slice(0, -1), i / 8]));
      const task = await open(measured, classes);
      assert.match(
        task.notice?.(2) ?? "",
        /\nsource: columns\.label: 40 classes with numbers for names \(0\.125, .*\): to predict numbers, name the column in columns\.outputs in place of columns\.label$/,
      );
      const many = Array.from({ length: 1001 }, (_, i) => [i % 7, i]);
      await assertRejected(
        open([["x", "kind"], ...many], { label: "kind" }),
        /expected 2 to 1000 classes, got 1001: to predict numbers, use the task table with columns\.outputs/,
      );
    });

    it("agrees on units from the sums of clients, as if their rows were in one place", async () => {
      const options = { uniformRows: 1, partition: { by: "quantity", sigma: 2, minimum: 2 } };
      const task = await open(rows, classes, options);
      const [one, six] = [await start(task, rng, ids(1)), await start(task, rng, ids(6))];
      const scaleOf = ({ params }: typeof one) =>
        params === "client" ? [] : [...(params.get("scale")?.data ?? [])];
      const [alone, apart] = [scaleOf(one), scaleOf(six)];
      assert.equal(alone.length, 2);
      alone.forEach((x, i) => {
        assert.ok(Math.abs(x - (apart[i] ?? NaN)) < 1e-9 * Math.abs(x), apart.join());
      });
      assert.deepEqual([...(one.ask?.expects?.keys() ?? [])], ["output"]);
      assert.deepEqual([...(one.params as Params).keys()], ["output", "scale"]);
    });

    it("learns in units that differ by a million, and trains on corrupted labels", async () => {
      const task = await open(rows, classes, { localEpochs: 40, learningRate: 0.5 });
      const { trainer, params, result } = await trainClient(task, 0, 2);
      const change = numbersOf(result, "output");
      const start = params.get("output")?.data ?? [];
      const data = Float32Array.from(change, (value, i) => value + item(start, i));
      const learnt = new Map([...params, ["output", { shape: [2, 4], data }] as const]);
      const { metrics } = (await trainer.evaluate?.(learnt)) ?? assert.fail();
      assert.deepEqual(Object.keys(metrics), ["accuracy", "uniformAccuracy", "loss"]);
      assert.equal(metrics["uniformAccuracy"], 1);
      const flipped = await task.openShard({
        index: 0,
        count: 2,
        rng,
        corruptLabels: (labels) => labels.map((label) => 1 - label),
      });
      const common = rng.at("common");
      const { signal } = new AbortController();
      const wrong = await flipped.train({ round: 1, phase: "train", params, rng, common, signal });
      assert.equal(Math.sign(numbersOf(wrong, "output")[1] ?? 0), -Math.sign(change[1] ?? 0));
    });

    it("rejects cells of no kind, free texts, and values that the trial does not list", async () => {
      const typo = rows.map((cells, i) => (i === 5 ? ["12,5x", ...cells.slice(1)] : cells));
      await assertRejected(
        open(
          typo.map((cells) => cells.map((cell) => `"${cell}"`)),
          classes,
        ),
        /data\.csv, line 6: column 'size': expected a number as in 39 other rows, got '12,5x'/,
      );
      const texts = Array.from({ length: 101 }, (_, i) => [`text ${i}x`, i % 2]);
      await assertRejected(
        open([["note", "kind"], ...texts], classes),
        /column 'note' has 101 different texts.*leave it out \(columns\.ignore\)/,
      );
      const ignored = await open(
        [["note", "x", "kind"], ...texts.map(([a, b]) => [a ?? "", 1, b ?? 0])],
        {
          ...classes,
          ignore: ["note"],
        },
      );
      assert.match(ignored.notice?.(2) ?? "", /1 column of numbers/);
      await assertRejected(
        open(rows, classes, { source: { categories: { sex: ["f", "d"] } } }),
        /line 2: column 'sex': expected one of f, d, got 'm'/,
      );
      await assertRejected(
        open(rows, classes, { source: { categories: { sexes: ["f", "d"] } } }),
        /source\.categories: 'sexes' is none of the inputs size, sex/,
      );
      const [[, ...others] = [], ...cells] = rows;
      const constructors = await open([["constructor", ...others], ...cells], classes);
      assert.match(constructors.notice?.(2) ?? "", /1 column of numbers/);
      const codes = await open(rows, classes, {
        source: { categories: { size: [0, 1e6, 2e6, 3e6, 4e6, 5e6, 6e6] } },
      });
      assert.match(codes.notice?.(2) ?? "", /0 columns of numbers.*size \(7\), sex \(2\)/);
    });

    it("wants either classes or numbers, and pre-trains for LoRA only", () => {
      const parse = (columns: object, options: object = {}) =>
        table.schema.parse({ source: { file: "a.csv", columns }, ...options });
      assert.throws(() => parse({}), /either label, for classes, or outputs/);
      assert.throws(() => parse({ label: "a", outputs: "b" }), /either label, for classes/);
      assert.throws(() => parse(classes, { baseRows: 0.1 }), /is for model lora only/);
      assert.throws(() => parse({ outputs: "y" }, { uniformRows: 5 }), /least squares measures no/);
      const measured = (more: object) =>
        Object.keys(table.measures?.(parse({ outputs: "y" }, more) as never).metrics ?? {});
      assert.deepEqual(measured({}), ["loss"]);
      assert.deepEqual(measured({ model: "mlp", uniformRows: 5 }), ["loss", "uniformLoss"]);
      const options = parse({ outputs: "y" }) as never;
      assert.equal(table.hasLabels?.(options), false);
      assert.equal(table.acceptsControl?.(options), false);
    });
  });
});
