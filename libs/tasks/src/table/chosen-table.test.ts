import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import {
  chosenFile,
  createFresh,
  createInTab,
  firstParams,
  trainOnce,
} from "../../testing/chosen.js";
import { table } from "./index.js";

/** Twelve rows with y = 2·u - v + noise. */
const csv = [
  "u,v,y",
  ...Array.from({ length: 12 }, (_, i) =>
    [i % 5, i % 3, 2 * (i % 5) - (i % 3) + (i % 7) / 10].join(),
  ),
].join("\n");

const inTab = (options: object, content: string | undefined = csv) =>
  createInTab("table", options, [chosenFile("mine.csv", content)]);

describe("a table chosen in a browser", () => {
  const source = { file: "/elsewhere/of-the-coordinator.csv", columns: { outputs: "y" } };

  it("is what Node.js trains for one client with this table, whatever the index", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-chosen-"));
    try {
      const file = join(folder, "mine.csv");
      await writeFile(file, csv);
      const inNode = await createFresh(table, { source: { ...source, file } });
      const params = await firstParams(inNode);
      const expected = await trainOnce(inNode, params, 0, 1);
      const { task, read } = await inTab({ source });
      const found = await trainOnce(task, params, 7, 9);
      assert.equal(found.trained.numExamples, 10);
      assert.deepEqual(found.trained, expected.trained);
      assert.deepEqual(found.measured, expected.measured);
      assert.deepEqual(read, {
        name: "mine.csv",
        facts: [
          ["rows", "12"],
          ["columns", "3 (u, v, y)"],
        ],
        notes: [],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses trials that say otherwise whose each row is, and names the columns", async () => {
    const rejected = (work: Promise<unknown>, message: RegExp) =>
      assert.rejects(
        work,
        (error) => error instanceof UserError && message.test(error.message),
        String(message),
      );
    await rejected(
      createInTab("linear-regression", {}, [chosenFile("mine.csv", csv)]),
      /if the task reads data, and linear-regression simulates them/,
    );
    const { columns } = source;
    await rejected(inTab({ source: { folder: "schools", columns } }), /this one has a folder/);
    const natural = { ...source, columns: { ...columns, client: "school" } };
    await rejected(inTab({ source: natural }), /columns\.client = school/);
    await rejected(
      inTab({ source: { ...source, columns: { outputs: "z" } } }),
      /mine\.csv has no column 'z'/,
    );
    await rejected(inTab({ source }, "u,v,y\n1,2,3\n2,3,5\n"), /would hold 2 rows, but needs 5/);
    await rejected(
      createInTab("table", { source }, undefined),
      /choose a CSV file with the columns y \(to predict\)/,
    );
    const byClass = { ...source, columns: { label: "y" } };
    await rejected(inTab({ source: byClass }), /if the trial names the classes/);
    const known = { ...byClass, classes: [1, 2] };
    await rejected(
      inTab({ source: known }, "u,v,y\n1,2,3\n"),
      /line 2: column 'y': expected one of the classes 1, 2, got '3'/,
    );
  });

  it("shows how many rows there are of each class, and takes the units of the params", async () => {
    const options = {
      source: {
        file: "theirs.csv",
        columns: { label: "kind" },
        classes: ["a", "b"],
        categories: { sex: ["f", "m"] },
      },
    };
    const rows = Array.from({ length: 20 }, (_, i) => `${i},${i % 3 ? "f" : "m"},${"ab"[i % 2]}`);
    const { task, read } = await inTab(options, ["size,sex,kind", ...rows].join("\n"));
    assert.deepEqual(read?.classes, [
      { name: "a", count: 10 },
      { name: "b", count: 10 },
    ]);
    const params = await firstParams(task);
    const widths = [...params].map(([name, { shape }]) => [name, ...shape]);
    assert.deepEqual(widths, [
      ["output", 2, 4],
      ["scale", 1, 2],
    ]);
    const { trained } = await trainOnce(task, params, 3, 9);
    assert.deepEqual([...trained.delta.keys()], ["output"]);
  });

  it("fails on params for other columns, with nothing of the data but their number", async () => {
    const { task } = await inTab({ source });
    const scale = (columns: number) => ["scale", zeros([columns, 2])] as const;
    const weights = ["weights", zeros([4, 1])] as const;
    await assert.rejects(trainOnce(task, new Map([weights, scale(4)]), 0, 1), {
      message:
        "table: the params are for 4 columns of numbers, and the table of this host has 3: give every host a table with the same columns",
    });
    await assert.rejects(trainOnce(task, new Map([weights, scale(3)]), 0, 1), {
      message:
        "least squares: the params are 4×1, and the data of this host need 3×1, inputs (with the constant) × outputs: give every host a table with the same columns",
    });
  });
});

const zeros = ([rows = 0, columns = 0]: readonly number[]) => ({
  shape: [rows, columns],
  data: new Float64Array(rows * columns),
});
