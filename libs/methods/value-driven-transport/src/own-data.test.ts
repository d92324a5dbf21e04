import assert from "node:assert/strict";
import { checkValue } from "@fedclair/core/internal";
import { createTask, trainClient, useDataFolder } from "@fedclair/tasks/testing";
import { valueDrivenTransport } from "./task.js";

describe("own data", () => {
  const folder = useDataFolder();

  it("of value-driven-transport have any dimension, and some are withheld", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => [i, i % 7, i % 3]);
    const file = await folder.writeRows([["x", "y", "z"], ...rows]);
    const options = { target: { file }, mode: "gradient", samples: 5, horizon: 2 };
    const task = await createTask(valueDrivenTransport, options);
    const { params, result } = await trainClient(task, 0, 2);
    // Of 50 points 10 are withheld; the network reads three coordinates and the time.
    assert.equal(result.numExamples, 20);
    assert.equal(params.get("W1")?.shape[0], 4);
    const moons = { ...options, source: "moons" };
    await assert.rejects(
      createTask(valueDrivenTransport, moons),
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
});
