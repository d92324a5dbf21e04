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
import { linearRegression } from "./index.js";

/** Twelve rows with y = 2·u - v + noise. */
const csv = [
  "u,v,y",
  ...Array.from({ length: 12 }, (_, i) =>
    [i % 5, i % 3, 2 * (i % 5) - (i % 3) + (i % 7) / 10].join(),
  ),
].join("\n");

const inTab = (options: object, content: string | undefined = csv) =>
  createInTab("linear-regression", options, [chosenFile("mine.csv", content)]);

describe("linear-regression on a table chosen in a browser", () => {
  const source = { file: "/elsewhere/of-the-coordinator.csv", columns: { outputs: "y" } };

  it("is what Node.js trains for one client with this table, whatever the index", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-chosen-"));
    try {
      const file = join(folder, "mine.csv");
      await writeFile(file, csv);
      const inNode = await createFresh(linearRegression, { source: { ...source, file } });
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
    await rejected(inTab({}), /this one has no source, because it simulates its data/);
    const { columns } = source;
    await rejected(inTab({ source: { folder: "schools", columns } }), /this one has a folder/);
    const natural = { ...source, columns: { ...columns, client: "school" } };
    await rejected(inTab({ source: natural }), /columns\.client = school/);
    await rejected(
      inTab({ source: { ...source, columns: { outputs: "z" } } }),
      /mine\.csv has no column 'z'/,
    );
    await rejected(inTab({ source }, "u,v,y\n1,2,3\n2,3,5\n"), /would hold 2 rows, but needs 5/);
    const without = (options: object) => createInTab("linear-regression", options, undefined);
    await rejected(without({ source }), /choose a CSV file with the columns y \(to predict\)/);
    assert.ok(await without({}));
  });

  it("fails on params for other columns, with nothing of the data but their number", async () => {
    const { task } = await inTab({ source });
    const params = new Map([["weights", { shape: [4, 1], data: new Float64Array(4) }]]);
    await assert.rejects(trainOnce(task, params, 0, 1), {
      message:
        "linear-regression: the params are 4×1, and the data of this host need 3×1, inputs (with the constant) × outputs: give every host a table with the same columns",
    });
  });
});
